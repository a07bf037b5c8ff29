"""Haystack: its FAISS store, embedding retrieval, and its transformers extractive reader.

Of its local stores it is the quicker one: the in-memory store makes an array of all vectors anew
at each question. Components are called one after the other, without a pipeline's overhead.
"""

DIMENSIONS = 384


def indexer(work, folder, vectors):
    from dataclasses import replace

    from haystack import Document
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersDocumentEmbedder,
    )
    from haystack_integrations.document_stores.faiss import FAISSDocumentStore

    embedder = SentenceTransformersDocumentEmbedder(
        model=work["embedder"], progress_bar=False, normalize_embeddings=True
    )
    embedder.warm_up()
    folder.mkdir(parents=True)

    def build():
        store = FAISSDocumentStore(embedding_dim=DIMENSIONS)
        documents = [Document(content=passage) for passage in work["passages"]]
        if vectors:
            found = vectors(work["passages"]).tolist()
            embedded = [
                replace(document, embedding=vector)
                for document, vector in zip(documents, found, strict=True)
            ]
        else:
            embedded = embedder.run(documents=documents)["documents"]
        store.write_documents(embedded)
        store.save(folder / "store")

    return build


def opener(work, folder):
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersTextEmbedder,
    )
    from haystack_integrations.components.readers.transformers import TransformersExtractiveReader
    from haystack_integrations.components.retrievers.faiss import FAISSEmbeddingRetriever
    from haystack_integrations.document_stores.faiss import FAISSDocumentStore

    store = FAISSDocumentStore(index_path=str(folder / "store"), embedding_dim=DIMENSIONS)
    embedder = SentenceTransformersTextEmbedder(
        model=work["embedder"], progress_bar=False, normalize_embeddings=True
    )
    reader = TransformersExtractiveReader(model=work["reader"], top_k=1, no_answer=False)
    retriever = FAISSEmbeddingRetriever(document_store=store, top_k=work["read"])
    embedder.warm_up()
    reader.warm_up()
    tell_types(reader)

    def retrieve(question):
        vector = embedder.run(text=question)["embedding"]
        return retriever.run(query_embedding=vector)["documents"]

    def search(question):
        return [found.content for found in retrieve(question)]

    def ask(question):
        answers = reader.run(query=question, documents=retrieve(question))["answers"]
        return answers[0].data if answers else None

    return search, ask


def tell_types(reader):
    """Give a BERT the token types that this version of the reader leaves out.

    Without them BERT takes the passage for a part of the question and answers worse, for which
    the weights are not to blame.
    """
    forward, separator = reader.model.forward, reader.tokenizer.sep_token_id

    def typed(input_ids, attention_mask):
        ends = (input_ids == separator).long()
        types = ((ends.cumsum(1) - ends) > 0).long() * attention_mask
        return forward(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=types)

    reader.model.forward = typed
