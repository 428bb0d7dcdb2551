"""`python -m pdwatch` is the console script."""

from pdwatch.cli.main import run

if __name__ == "__main__":
    run()
