"""What is wrong with the definition of a board."""


class DashboardError(Exception):
    """A definition of a board contradicts the catalogue or itself."""
