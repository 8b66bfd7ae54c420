"""The list of scenarios, in the order in which they run."""

from cluster import Cluster

SCENARIOS = {}
NODES = (3,)


def scenario(function=None, nodes=NODES, images=None, kind=Cluster):
    """Enters a function of a Cluster, or of another `kind`; its name and docstring
    say what must hold.

    `nodes` are the sizes of a cluster that it is written for, the one it is
    run with by default first; `images` those that it can be run on, None for
    all that the kind can.
    """
    def enter(function):
        function.nodes, function.images, function.kind = nodes, images or kind.IMAGES, kind
        SCENARIOS[function.__name__] = function
        return function

    return enter(function) if function else enter
