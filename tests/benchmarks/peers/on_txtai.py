"""txtai: an embeddings database with content, and its extractive question pipeline."""


def indexer(work, folder, vectors):
    from txtai import Embeddings

    # maxlength: the model's own limit of 256 tokens, where txtai would embed 512.
    embeddings = Embeddings(path=work["embedder"], content=True, maxlength=True)
    if vectors:
        embeddings.model.encode = lambda texts, category=None: vectors(texts)

    def build():
        embeddings.index(list(enumerate(work["passages"])))
        embeddings.save(str(folder / "index"))

    return build


def opener(work, folder):
    from txtai import Embeddings
    from txtai.pipeline import Extractor, Questions

    embeddings = Embeddings()
    embeddings.load(str(folder / "index"))
    # It joins the texts found into one, of which its reader sees the first 512 tokens.
    extractor = Extractor(embeddings, Questions(work["reader"]), context=work["read"])

    def search(question):
        return [found["text"] for found in embeddings.search(question, work["read"])]

    def ask(question):
        try:
            ((_, answer),) = extractor([("answer", question, question, False)])
        except TypeError:
            # What 9.14 raises where the best span is the reader's "no answer".
            return None
        return answer

    return search, ask
