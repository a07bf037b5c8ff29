"""`POST /ask`: a question as JSON in, the answer as JSON out; no client library is needed.

```
200  the answer, as `Answer.to_dict()`; a refusal is an answer too
401  a login is asked for: HTTP Basic
404  no library of that name
422  the question cannot be asked (empty, too long), or the request is not of this form
500  the library cannot be read; the server's log says why
503  every place is taken; `Retry-After` says in how many seconds to come again
```
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

import gradio as gr
from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict

from index.errors import CitespanError, QuestionError
from qa.answer import Answer
from ui.gate import Busy, Gate, Question, ask
from ui.rooms import Rooms

log = logging.getLogger(__name__)

# What another program is told of a fault that is not its own: no word of this machine's folders.
UNREADABLE = "The library cannot be read; see the server's log."

Logins = Sequence[tuple[str, str]]


class Asked(BaseModel):
    """What is sent.

    Attributes:
        question: One question, at most 1,000 characters.
        library: Name of a library; the one that is served when empty.
        instead: After a refusal, look up to two seconds for a question that is answered.
    """

    model_config = ConfigDict(extra="forbid")

    question: str
    library: str = ""
    instead: bool = False


def route(
    rooms: Rooms, gate: Gate, logins: Logins = ()
) -> Callable[[Request, Asked], Awaitable[JSONResponse]]:
    """Return the function that answers `POST /ask`.

    Args:
        rooms: Says whose library is asked.
        gate: What questions go through.
        logins: (name, password) pairs of whom one must be given; none asks for no login.
    """

    async def answer(request: Request, asked: Asked) -> JSONResponse:
        name = login(request.headers.get("authorization", ""), logins)
        who = name or (request.client.host if request.client else "")
        try:
            room = await run_in_threadpool(rooms.asked, gr.Request(request, name), asked.library)
            if room is None:
                raise HTTPException(404, f"There is no library {asked.library!r}.")
            # Half of a surrogate pair, as JSON may bring it, could not be sent back.
            words = asked.question.encode("utf-8", "replace").decode("utf-8")
            question = Question(room.chat.assistant, words, instead=asked.instead)
            found = await answered(gate, who, question, request)
        except Busy as error:
            headers = {"Retry-After": str(error.seconds)}
            raise HTTPException(503, str(error), headers=headers) from None
        except QuestionError as error:
            raise HTTPException(422, str(error)) from None
        except CitespanError as error:
            log.error("a question could not be answered: %s", error)
            raise HTTPException(500, UNREADABLE) from None
        # Nobody reads a reply whose asker has gone. A refusal is an answer that is false.
        return JSONResponse(None if found is None else found.to_dict())

    return answer


async def unfit(request: Request, error: Exception) -> Response:
    """Return the reply to a request that is not of this form: what does not fit, and why.

    Without what was sent, and in ASCII: half of a surrogate pair, or NaN, could not be sent back.
    """
    assert isinstance(error, RequestValidationError)
    told = [{name: one[name] for name in ("type", "loc", "msg")} for one in error.errors()]
    return Response(json.dumps({"detail": told}), 422, media_type="application/json")


async def answered(gate: Gate, who: str, question: Question, request: Request) -> Answer | None:
    """Return the answer; None when whoever asked has gone, which gives the place back."""
    async with aclosing(ask(gate, who, question)) as stages:
        async for stage in stages:
            if stage is None and await request.is_disconnected():
                return None
            if stage is not None and stage.answer is not None:
                return stage.answer
    return None


def login(authorization: str, logins: Logins) -> str | None:
    """Return the name of who logs in by HTTP Basic (RFC 7617); None where no login is asked for.

    Raises:
        HTTPException: 401: no login was given, or not one of `logins`.
    """
    if not logins:
        return None
    scheme, _, given = authorization.partition(" ")
    try:
        found = base64.b64decode(given, validate=True) if scheme.lower() == "basic" else b""
    except ValueError:  # other characters than base64's, or than ASCII
        found = b""
    for name, password in logins:
        # Takes as long whatever differs.
        if hmac.compare_digest(found, f"{name}:{password}".encode()):
            return name
    headers: dict[str, Any] = {"WWW-Authenticate": 'Basic realm="citespan", charset="UTF-8"'}
    raise HTTPException(401, "A login is asked for: name and password.", headers=headers)
