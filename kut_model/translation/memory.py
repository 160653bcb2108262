# SPDX-License-Identifier: GPL-2.0-or-later
"""Descriptors in memory, and what a translation changed of them."""

from collections.abc import Collection, Mapping


class Memory:
    """Descriptors by physical address; 0 where there is none."""

    def __init__(self, descriptors: Mapping[int, int], holes: Collection[int] = ()) -> None:
        """`descriptors` is not changed; `holes`: pages of 4K where reads and writes abort."""
        self._descriptors = descriptors
        self._holes = holes
        self._written: dict[int, int] = {}

    def aborts(self, address: int) -> bool:
        """Whether an access to `address` is an external abort."""
        return address >> 12 << 12 in self._holes

    def read(self, address: int) -> int:
        """Return the descriptor at `address`."""
        return self._written.get(address, self._descriptors.get(address, 0))

    def update(self, address: int, old: int, new: int) -> None:
        """Write `new` where it differs from `old` (AArch64.MemSwapTableDesc; nobody interferes)."""
        if new != old:
            self._written[address] = new

    @property
    def changes(self) -> tuple[tuple[int, int], ...]:
        """Addresses and new values, by address."""
        return tuple(sorted(self._written.items()))
