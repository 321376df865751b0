"""Pictures prepared once: what an image processor makes of one is kept, within bounds of memory."""

import os
from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

_MOST = 8 << 30  # bytes: 400 pictures of Llama 3.2 Vision take 6 GB, of LLaVA-1.5 half a GB
_SHARE = 4  # of the machine's memory, a fourth at most

T = TypeVar("T")


class Kept(Generic[T]):
    """The values used last, up to a number of bytes; the newest always."""

    def __init__(self, limit: int) -> None:
        self.limit, self._size = limit, 0
        self._entries: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()

    def get(self, key: Hashable) -> T | None:
        """The value, if it is still there."""
        if (entry := self._entries.get(key)) is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: Hashable, value: T, size: int) -> None:
        """Keep a value of so many bytes; one of the same key goes."""
        self._size += size - self._entries.pop(key, (None, 0))[1]
        self._entries[key] = (value, size)
        while self._size > self.limit and len(self._entries) > 1:
            self._size -= self._entries.popitem(last=False)[1][1]


@dataclass
class _Picture:
    owner: "Image"  # kept alive, so that its ``id`` names nothing else
    features: Any  # what the image processor made of it, a ``BatchFeature``
    row: "dict[str, Tensor] | None" = None  # what of it goes to the model


class OncePerPicture:
    """An image processor that prepares a picture once: stands in a processor where ``inner`` stood.

    Pictures are known again by being the same object. They take a fourth of the machine's memory at most, shared among
    the processes that prepare batches.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self._kept: Kept[_Picture] = Kept(0)

    def __getattr__(self, name: str) -> Any:
        if name == "inner":  # not there yet, while this is copied
            raise AttributeError(name)
        return getattr(self.inner, name)

    def __call__(self, images: Any, *arguments: Any, **options: Any) -> Any:
        """What ``inner`` makes of the pictures, or made of the same one before."""
        image = _only(images)
        if image is None:
            return self.inner(images, *arguments, **options)
        picture = self._kept.get(id(image))
        if picture is None:
            picture = _Picture(image, self.inner(images, *arguments, **options))
            self._kept.limit = _limit()
            self._kept.put(id(image), picture, tensor_bytes(picture.features.values()) + _decoded_bytes(image))
        return copy(picture.features)  # processors take entries out of it

    def names(self, image: "Image") -> Collection[str]:
        """Names of the tensors that belong to a picture, not to its question."""
        picture = self._kept.get(id(image))
        return tuple(self.inner.model_input_names) if picture is None else tuple(picture.features)

    def passed_on(self, image: "Image") -> "dict[str, Tensor] | None":
        """What goes to the model of a picture, if it is known."""
        picture = self._kept.get(id(image))
        return None if picture is None else picture.row

    def pass_on(self, image: "Image", row: "Mapping[str, Tensor]") -> None:
        """Remember what goes to the model of a picture: mostly the very tensors that are kept already."""
        if (picture := self._kept.get(id(image))) is not None:
            picture.row = dict(row)


def tensor_bytes(values: "Iterable[Any]") -> int:
    """Memory of those of the values that are arrays."""
    return sum(int(getattr(value, "nbytes", 0)) for value in values)


def _only(images: Any) -> Any:
    """The picture in lists of lists, if it is the only one."""
    while isinstance(images, list | tuple) and len(images) == 1:
        images = images[0]
    return None if isinstance(images, list | tuple) else images


def _decoded_bytes(image: Any) -> int:
    return int(image.width * image.height * 3) if hasattr(image, "width") else 0


def _limit() -> int:
    """Bytes that this process may keep."""
    from torch.utils.data import get_worker_info

    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # no such question on this system
        memory = _MOST
    worker = get_worker_info()
    return min(_MOST, memory // _SHARE) // (1 if worker is None else int(worker.num_workers))
