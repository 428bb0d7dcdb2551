"""From a scene to lines of text: the same lines for the screen, its copies and the tests."""
