"""Citespan: a folder of files, as a user has it; hybrid search, the shipped int8 reader."""

from pathlib import Path


def indexer(work, folder, vectors):
    import qa
    from qa.assistant import embedder_of

    # The folder of documents is there before; reading it is a part of the work.
    documents = folder / "documents"
    documents.mkdir(parents=True)
    for number, passage in enumerate(work["passages"]):
        (documents / f"{number:06}.txt").write_text(passage, encoding="utf-8")
    chosen = settings(work, folder)
    embedder = embedder_of(chosen)
    # Loaded, as the peers' are by now.
    embedder.encode(["ready"])
    if vectors:
        embedder.encode = vectors

    def build():
        qa.open(documents, settings=chosen).library.close()

    return build


def opener(work, folder):
    import qa

    # It looks for changes in the documents first, as `citespan ask` does.
    assistant = qa.open(folder / "documents", settings=settings(work, folder))

    def search(question):
        return [found.text for found in assistant.library.search(question, work["read"])]

    def ask(question):
        answer = assistant.ask(question)
        best = answer.citations or (answer.refusal.nearest if answer.refusal else ())
        return best[0].quote if best else None

    return search, ask


def settings(work, folder: Path):
    from qa.config import Settings

    # No chunk cuts a passage: every peer retrieves and reads the same texts. The embedder is the
    # default one: everyone's weights, in int8.
    longest = max(map(len, work["passages"]))
    return Settings(home=folder / "home", passages=work["read"], chunk_size=max(1200, longest + 1))
