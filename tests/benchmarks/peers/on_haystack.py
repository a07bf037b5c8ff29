"""Haystack: an in-memory store saved to disk, embedding retrieval, its transformers reader."""


def indexer(work, folder):
    from haystack import Document
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersDocumentEmbedder,
    )

    embedder = SentenceTransformersDocumentEmbedder(
        model=work["embedder"], progress_bar=False, normalize_embeddings=True
    )
    embedder.warm_up()

    def build():
        store = InMemoryDocumentStore(embedding_similarity_function="dot_product")
        documents = [Document(content=passage) for passage in work["passages"]]
        store.write_documents(embedder.run(documents=documents)["documents"])
        folder.mkdir(parents=True)
        store.save_to_disk(str(folder / "store.json"))

    return build


def opener(work, folder):
    from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersTextEmbedder,
    )
    from haystack_integrations.components.readers.transformers import TransformersExtractiveReader

    store = InMemoryDocumentStore.load_from_disk(str(folder / "store.json"))
    embedder = SentenceTransformersTextEmbedder(
        model=work["embedder"], progress_bar=False, normalize_embeddings=True
    )
    reader = TransformersExtractiveReader(model=work["reader"], top_k=1, no_answer=False)
    retriever = InMemoryEmbeddingRetriever(store, top_k=work["read"])
    embedder.warm_up()
    reader.warm_up()

    def retrieve(question):
        vector = embedder.run(text=question)["embedding"]
        return retriever.run(query_embedding=vector)["documents"]

    def search(question):
        return [found.content for found in retrieve(question)]

    def ask(question):
        answers = reader.run(query=question, documents=retrieve(question))["answers"]
        return answers[0].data if answers else None

    return search, ask
