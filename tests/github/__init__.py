"""GitHub as the workflows see it: a stand-in of its REST API, and the tests of what talks to it."""
