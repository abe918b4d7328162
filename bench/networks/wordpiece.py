"""BERT's uncased tokenizer: basic splitting, then the longest pieces of the vocabulary."""

from __future__ import annotations

import unicodedata

import numpy as np


def is_punctuation(c: str) -> bool:
    ascii_sign = c.isascii() and not c.isalnum() and c.isprintable() and c != " "
    return ascii_sign or unicodedata.category(c).startswith("P")


def words(text: str) -> list[str]:
    """Lower case, without accents; each sign of punctuation is a word."""
    plain = unicodedata.normalize("NFD", text.lower())
    plain = "".join(c for c in plain if unicodedata.category(c) != "Mn")
    return "".join(f" {c} " if is_punctuation(c) else c for c in plain).split()


class WordPiece:
    def __init__(self, vocabulary: list[str]):
        self.ids = {piece: k for k, piece in enumerate(vocabulary)}

    def pieces(self, word: str) -> list[int]:
        result, begin = [], 0
        while begin < len(word):
            prefix = "##" if begin else ""
            lengths = range(len(word), begin, -1)
            end = next((e for e in lengths if prefix + word[begin:e] in self.ids), None)
            if end is None:
                return [self.ids["[UNK]"]]
            result.append(self.ids[prefix + word[begin:end]])
            begin = end
        return result

    def encode(self, texts: list[str], length: int) -> dict[str, np.ndarray]:
        """input_ids and attention_mask [texts, length], cut or padded."""
        ids = np.full((len(texts), length), self.ids["[PAD]"], np.int64)
        mask = np.zeros_like(ids)
        for row, text in enumerate(texts):
            found = [k for word in words(text) for k in self.pieces(word)][: length - 2]
            found = [self.ids["[CLS]"], *found, self.ids["[SEP]"]]
            ids[row, : len(found)], mask[row, : len(found)] = found, 1
        return {"input_ids": ids, "attention_mask": mask}
