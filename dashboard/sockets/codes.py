"""Why a socket was closed. An application may only use 1000 and 3000 to 4999; the page knows these by number."""

from __future__ import annotations

from typing import Final

BAD_REQUEST: Final = 4400  # an id, cursor or message that cannot be; trying again changes nothing
LOGGED_OUT: Final = 4401  # not logged in, or not any more
NOT_FOUND: Final = 4404  # no such session, or no such socket
TOO_SLOW: Final = 4408  # did not read; come back with the cursor
RELOAD: Final = 4409  # the page knows more than the store: what it shows is of another time
TOO_MANY: Final = 4429  # this person, or everybody together, has too many sockets open
GOING_DOWN: Final = 4503  # the server stops; come back in a moment
