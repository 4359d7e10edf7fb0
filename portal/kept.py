"""Texts that took long to make, kept in the memory of one process up to a size; the one used longest ago goes first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Text = TypeVar("Text", bound=str)


class Kept(Generic[Text]):
    def __init__(self, most_characters: int) -> None:
        self.most = most_characters
        self.size = 0
        self._texts: OrderedDict[Hashable, Text] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Text]) -> Text:
        with self._lock:
            if key in self._texts:
                self._texts.move_to_end(key)
                return self._texts[key]
        made = make()
        with self._lock:
            if key not in self._texts and len(made) <= self.most:
                self._texts[key] = made
                self.size += len(made)
            while self.size > self.most:
                _, oldest = self._texts.popitem(last=False)
                self.size -= len(oldest)
        return made
