"""From the odds of spam to points of the score.

Points grow in proportion to the log-odds, so that mail is ranked by the score as the classifiers rank it, and the
points of other checks move a doubtful message to one side. Sureness is worth less and less beyond both ends: what was
learnt never refuses a message alone, and never outweighs everything else that speaks against one.
"""

from __future__ import annotations

import math

from postern.bayes.combine import SPAM_FROM
from postern.model import Points

SPAM_POINTS = 5.0
"""Where the answer turns to spam: the threshold at which the filter as shipped flags a message."""

PROPORTIONAL_TO = 7.0
MOST = 10.0
LEAST = -3.0

_PER_ODDS = SPAM_POINTS / math.log(SPAM_FROM / (1 - SPAM_FROM))


def points(odds: float, trust: float = 1.0) -> Points:
    """The points of log-odds of spam.

    `trust` (0 to 1) is how much the model that gave them is worth here. Half as much bounds what speaks for a message
    at half as well: mail of another kind must not be cleared of what other checks found.
    """
    straight = odds * trust * _PER_ODDS
    if straight < 0:
        bent = LEAST * trust * (1 - math.exp(-straight / (LEAST * trust)))
    elif straight > PROPORTIONAL_TO:
        room = MOST - PROPORTIONAL_TO
        bent = PROPORTIONAL_TO + room * (1 - math.exp((PROPORTIONAL_TO - straight) / room))
    else:
        bent = straight
    return Points(round(bent * 100))
