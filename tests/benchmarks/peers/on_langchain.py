"""LangChain with FAISS: it retrieves; it has no extractive reader of its own.

The pipeline that its guides once wrapped for one is gone from transformers 5.
"""


def embeddings(work):
    from langchain_huggingface import HuggingFaceEmbeddings

    return HuggingFaceEmbeddings(
        model_name=work["embedder"], encode_kwargs={"normalize_embeddings": True}
    )


def indexer(work, folder, vectors):
    from langchain_community.vectorstores import FAISS

    model = embeddings(work)

    def build():
        texts = work["passages"]
        if vectors:
            pairs = list(zip(texts, vectors(texts).tolist(), strict=True))
            store = FAISS.from_embeddings(pairs, model)
        else:
            store = FAISS.from_texts(texts, model)
        store.save_local(str(folder / "index"))

    return build


def opener(work, folder):
    from langchain_community.vectorstores import FAISS

    # The docstore is a pickle, of this benchmark's own making.
    store = FAISS.load_local(
        str(folder / "index"), embeddings(work), allow_dangerous_deserialization=True
    )

    def search(question):
        return [found.page_content for found in store.similarity_search(question, work["read"])]

    return search, None
