"""The list of scenarios, in the order in which they run."""

SCENARIOS = {}


def scenario(function):
    """Enters a function of a Cluster; its name and docstring say what must hold."""
    SCENARIOS[function.__name__] = function
    return function
