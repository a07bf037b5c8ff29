"""Training examples whose answer a reader of the test can see."""

from qa.train.data import Example

FIRST = Example("who ?", "It was Ann .", ((7, 10),), True, "made", "one")


def example(question, context, *answers):
    spans = tuple((context.index(text), context.index(text) + len(text)) for text in answers)
    return Example(question, context, spans, True, "made", "one")
