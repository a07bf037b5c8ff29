"""Each login's library holds the shared documents and its own, and no one else's."""

from __future__ import annotations

from pathlib import Path

import qa
from qa.config import Settings
from ui.rooms import private_assistant
from ui.shelf import Shelf


def test_what_one_login_uploads_another_does_not_have(tmp_path):
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "shared.txt").write_text("The harbour of Lerwick was founded in 1708.")
    received = tmp_path / "received"
    received.mkdir()
    shared = qa.open(papers, settings=Settings(home=tmp_path / "home"))
    ada, bob = (private_assistant(shared, name) for name in ("ada", "../bob"))
    sent = received / "mine.txt"
    sent.write_text("The lighthouse was lit in 1858.")
    *_, view = Shelf(ada, received).add([{"path": str(sent), "name": "mine.txt"}])
    assert "Done: 1 added." in view

    def names(assistant) -> set[str]:
        return {Path(record.name).name for record in assistant.library.documents()}

    assert names(ada) == {"shared.txt", "mine.txt"}
    assert names(bob) == names(shared) == {"shared.txt"}
    assert ada.ask("When was the lighthouse lit?").text == "1858"
    assert "mine.txt" not in str(bob.ask("When was the lighthouse lit?").to_dict())
    homes = {Path(one.settings.home) for one in (ada, bob)}
    assert all(home.parent == tmp_path / "home" / "users" for home in homes)
    assert len(homes) == 2
    # Opened again, it is the same library.
    assert names(private_assistant(shared, "ada")) == {"shared.txt", "mine.txt"}
