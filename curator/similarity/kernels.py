"""Loops over texts and sets that NumPy has no words for, compiled at their first use.

Few and small, with their types told, so that compiling all of them takes about
a second, once after installation: what is compiled is kept beside this file or,
where that cannot be written, in the user's cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from curator.similarity.codepoints import (
    DIGIT,
    EXPANDS,
    FOLDED,
    KIND,
    LATIN,
    MINUS,
    OPERATOR,
    OWN,
    POINT,
    SHARP,
    SIGN,
    SPACE,
    WORD,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_MAY_COUNT = np.uint32(POINT | SIGN | OPERATOR | MINUS | SHARP)
_ZERO = np.uint32(0)
_START = np.uint64(0xCBF29CE484222325)
_STEP = np.uint64(0x100000001B3)
_SECOND = np.uint64(0x9E3779B97F4A7C15)
_THIRD = np.uint64(0xD6E8FEB86659FD93)
_END = np.uint64(0x9FB21C651E98DF25)
_HALF = np.uint64(32)
_TOP = np.uint64(29)


def _compiled(signature: str) -> Callable[[Any], Any]:
    def compiled(function: Any) -> Any:
        try:
            return numba.njit(signature, cache=True, nogil=True, error_model="numpy")(function)
        except RuntimeError:  # there is no place to keep it
            return numba.njit(signature, nogil=True, error_model="numpy")(function)

    return compiled


@numba.njit
def _mixed(value):
    value ^= value >> _HALF
    value *= _THIRD
    value ^= value >> _TOP
    return value


@numba.njit
def _decoded(data, at):
    """Return the code point of UTF-8 that begins at a place, and how many bytes it has."""
    first = np.uint32(data[at])
    if first < 0x80:
        return first, 1
    second = np.uint32(data[at + 1]) & np.uint32(63)
    if first < 0xE0:
        return ((first & np.uint32(31)) << np.uint32(6)) | second, 2
    third = np.uint32(data[at + 2]) & np.uint32(63)
    if first < 0xF0:
        return (
            ((first & np.uint32(15)) << np.uint32(12)) | (second << np.uint32(6)) | third,
            3,
        )
    fourth = np.uint32(data[at + 3]) & np.uint32(63)
    high = ((first & np.uint32(7)) << np.uint32(18)) | (second << np.uint32(12))
    return high | (third << np.uint32(6)) | fourth, 4


@_compiled(
    "void(Array(uint8,1,'C',readonly=True), Array(int64,1,'C',readonly=True),"
    "Array(int64,1,'C',readonly=True), Array(uint64,1,'C',readonly=True),"
    "Array(uint32,1,'C',readonly=True), boolean, uint8[::1], int64[::1], uint64[::1], uint32[::1],"
    "int64[::1], boolean[::1])"
)
def scan(
    data,
    offsets,
    bounds,
    roles,
    packed,
    ready_made,
    fold,
    fold_ends,
    signs,
    shingles,
    shingle_ends,
    postponed,
):
    """Fold the records' turns and cut them into shingles.

    Nothing is said of a record with characters that are to be composed or expanded before.

    Args:
        data: the turns in UTF-8, turn t in offsets[t]:offsets[t + 1].
        offsets: see above.
        bounds: record r has the turns bounds[r]:bounds[r + 1].
        roles: each turn's role as a hash.
        packed: the table of the code points.
        ready_made: whether such characters are to be taken as they are.
        fold: takes the folded turns, in a UTF-8 of its own.
        fold_ends: takes where each turn's end there.
        signs: takes a hash of the signs of each record, 0 for none.
        shingles: takes the shingles.
        shingle_ends: takes where each record's end there.
        postponed: takes which records are to be composed before.

    """
    folded = 0
    cut = 0
    for record in range(len(bounds) - 1):
        first_cut, first_folded = cut, folded
        tokens = 0
        seen = 0  # tokens so far, roles and end too
        one = two = np.uint64(0)
        one_char = two_char = False
        sign = np.uint64(0)
        for turn in range(bounds[record], bounds[record + 1]):
            at, end = offsets[turn], offsets[turn + 1]
            token, is_char, ready = roles[turn], False, True
            word = np.uint64(0)
            in_word = False
            before = solid = _ZERO
            while True:
                # A token that is complete goes into the shingles.
                if ready:
                    if seen >= 2:
                        value = one * _SECOND + two
                        if one_char or two_char:
                            value = value * _THIRD + token
                        shingles[cut] = np.uint32(value >> _HALF)
                        cut += 1
                    one, one_char = two, two_char
                    two, two_char = token, is_char
                    seen += 1
                    ready = False
                if at >= end:
                    if in_word:
                        in_word = False
                        tokens += 1
                        token, is_char, ready = _mixed(word), False, True
                        continue
                    break
                code, size = _decoded(data, at)
                entry = packed[code]
                if entry & EXPANDS and not ready_made:
                    postponed[record] = True
                    break
                kind = (entry >> KIND) & np.uint32(3)
                value32 = entry & FOLDED
                shown = value32 or code
                if kind == WORD:
                    if not in_word:
                        word, in_word = _START, True
                    word = (word ^ np.uint64(shown)) * _STEP
                else:
                    if in_word:
                        # The word first; this code point is read again.
                        in_word = False
                        tokens += 1
                        token, is_char, ready = _mixed(word), False, True
                        continue
                    if kind == OWN:
                        tokens += 1
                        token = _mixed(np.uint64(shown) * _SECOND)
                        is_char, ready = value32 != 0, True
                at += size
                if entry & _MAY_COUNT:
                    after = after_solid = _ZERO
                    if at < end:
                        after = packed[_decoded(data, at)[0]]
                        ahead, after_solid = at, after
                        while after_solid & SPACE and entry & OPERATOR:
                            ahead += _decoded(data, ahead)[1]
                            if ahead >= end:
                                after_solid = _ZERO
                                break
                            after_solid = packed[_decoded(data, ahead)[0]]
                    # A decimal point: between digits that it touches.
                    if entry & POINT and before & DIGIT and after & DIGIT:
                        value32 = np.uint32(46)
                    # A minus touches its number, a sharp its letter; a dash before a space is a
                    # bullet. An operator stands between numbers, however far they are.
                    if (
                        entry & SIGN
                        or (entry & OPERATOR and solid & DIGIT and after_solid & DIGIT)
                        or (entry & MINUS and after & DIGIT and not solid & LATIN)
                        or (entry & SHARP and before & LATIN and not before & DIGIT)
                    ):
                        value32 = code
                        if code >= 0xFF01 and code <= 0xFF5E:
                            value32 = np.uint32(code - 0xFEE0)
                        elif code == 0x2212:
                            value32 = np.uint32(0x2D)
                        elif code == 0xFFE5:
                            value32 = np.uint32(0xA5)
                        elif code == 0xFFE1:
                            value32 = np.uint32(0xA3)
                        place = np.uint64(turn - bounds[record]) << np.uint64(21)
                        sign = _mixed((sign + _SECOND) ^ (place | np.uint64(value32)))
                before = entry
                if not entry & SPACE:
                    solid = entry
                if value32 == 0:
                    continue
                if value32 < 0x80:
                    fold[folded] = value32
                    folded += 1
                elif value32 < 0x10000:
                    fold[folded] = 0x80 | (value32 >> np.uint32(14))
                    fold[folded + 1] = (value32 >> np.uint32(7)) & np.uint32(127)
                    fold[folded + 2] = value32 & np.uint32(127)
                    folded += 3
                else:
                    fold[folded] = 0x88
                    fold[folded + 1] = value32 >> np.uint32(14)
                    fold[folded + 2] = (value32 >> np.uint32(7)) & np.uint32(127)
                    fold[folded + 3] = value32 & np.uint32(127)
                    folded += 4
            if postponed[record]:
                folded = first_folded
                fold_ends[bounds[record] : bounds[record + 1]] = folded
                tokens = 0
                sign = np.uint64(0)
                break
            fold_ends[turn] = folded
        if tokens:
            # The end is a token too; no third one follows the last pair.
            value = one * _SECOND + two
            if one_char or two_char:
                value = value * _THIRD + _END
            shingles[cut] = np.uint32(value >> _HALF)
            shingles[cut + 1] = np.uint32((two * _SECOND + _END) >> _HALF)
            cut += 2
        else:
            cut = first_cut
        shingle_ends[record] = cut
        signs[record] = sign


@_compiled(
    "void(Array(uint32,1,'C',readonly=True), Array(int64,1,'C',readonly=True),"
    "Array(uint32,1,'C',readonly=True), uint32[:,::1])"
)
def lowest(values, bounds, multipliers, found):
    """Put the least product of each set's values with each multiplier into `found`."""
    n = len(multipliers)
    for row in range(len(bounds) - 1):
        best = found[row]
        for p in range(n):
            best[p] = np.uint32(0xFFFFFFFF)
        for i in range(bounds[row], bounds[row + 1]):
            value = values[i]
            for p in range(n):
                best[p] = min(best[p], np.uint32(value * multipliers[p]))


def room(bounds: NDArray[np.int64]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return a table and its stamps for the two below, large enough for any of the sets."""
    largest = int(np.diff(bounds).max(initial=0))
    places = 1 << max(8, (2 * largest).bit_length())
    return np.empty(places, np.uint32), np.zeros(places, np.int64)


@_compiled("int64(uint32[::1], int64[::1], uint32[::1], int64[::1])")
def distinct(values, bounds, table, stamps):
    """Keep each value of a list once, in place, and move the bounds; return how many are left.

    `table` and `stamps` (zeros) have a power of two of places, more than twice the longest list.
    """
    mask = np.int64(len(table) - 1)
    kept = 0
    low = bounds[0]
    for row in range(len(bounds) - 1):
        high = bounds[row + 1]
        for i in range(low, high):
            value = values[i]
            place = np.int64(value) & mask
            while stamps[place] == row + 1 and table[place] != value:
                place = (place + 1) & mask
            if stamps[place] != row + 1:
                stamps[place] = row + 1
                table[place] = value
                values[kept] = value
                kept += 1
        low = high
        bounds[row + 1] = kept
    return kept


@_compiled(
    "int64(Array(uint8,2,'C',readonly=True), Array(uint64,1,'C',readonly=True), int64, uint64[::1])"
)
def alike(glances, pairs, least, found):
    """Put the pairs whose rows agree in so many bytes into `found`; return how many.

    A pair is two rows' numbers, one above, one below.
    """
    width = glances.shape[1]
    count = 0
    for pair in pairs:
        one = glances[np.int64(pair >> _HALF)]
        two = glances[np.int64(pair & np.uint64(0xFFFFFFFF))]
        same = 0
        for i in range(width):
            same += one[i] == two[i]
        if same >= least:
            found[count] = pair
            count += 1
    return count


@_compiled(
    "void(Array(uint32,1,'C',readonly=True), Array(int64,1,'C',readonly=True),"
    "Array(int64,1,'C',readonly=True), Array(int64,1,'C',readonly=True), uint32[::1], int64[::1],"
    "int64[::1])"
)
def common(values, bounds, left, right, table, stamps, found):
    """Put into `found` how many values the sets of each pair share; fast where lefts repeat.

    `table` and `stamps` (zeros) have a power of two of places, more than twice the largest set.
    """
    mask = np.int64(len(table) - 1)
    for pair in range(len(left)):
        row = left[pair]
        stamp = row + 1
        if pair == 0 or left[pair - 1] != row:
            for i in range(bounds[row], bounds[row + 1]):
                value = values[i]
                place = np.int64(value) & mask
                while stamps[place] == stamp:
                    place = (place + 1) & mask
                stamps[place] = stamp
                table[place] = value
        shared = 0
        for i in range(bounds[right[pair]], bounds[right[pair] + 1]):
            value = values[i]
            place = np.int64(value) & mask
            while stamps[place] == stamp and table[place] != value:
                place = (place + 1) & mask
            shared += stamps[place] == stamp
        found[pair] = shared


@_compiled("void(Array(uint64,1,'C',readonly=True), int64[::1], uint32[::1])")
def listed(place, starts, asked):
    """Put the places of each row's samples together in `asked`, from `starts` on, which move."""
    for i in range(len(place)):
        row = np.int64(place[i] & np.uint64(0xFFFFFFFF))
        asked[starts[row]] = i
        starts[row] += 1


@numba.njit
def _overlap(place, asked, a, a_end, b, b_end):
    """Whether three fifths of one row's samples are another's too; both are in order."""
    need = (3 * (a_end - a) + 4) // 5
    may_lack = a_end - a - need
    while a < a_end and b < b_end and need > 0:
        one, two = place[asked[a]] >> _HALF, place[asked[b]] >> _HALF
        if one == two:
            need -= 1
            a += 1
            b += 1
        elif one < two:
            may_lack -= 1
            if may_lack < 0:
                return False
            a += 1
        else:
            b += 1
    return need <= 0


@_compiled(
    "int64(Array(uint64,1,'C',readonly=True), Array(int64,1,'C',readonly=True),"
    "Array(uint32,1,'C',readonly=True), Array(int64,1,'C',readonly=True), int64, int64, int64,"
    "uint64[::1], int64)"
)
def holders(place, bounds, asked, least, first, last, nearest, found, room):
    """Find longer rows that share most of a row's samples; return how many, -1 without room.

    Args:
        place: the samples in order, the value above, the row below; rows are numbered by size.
        bounds: row r has the samples asked[bounds[r]:bounds[r + 1]].
        asked: places in `place`.
        least: for each row, the first row that is long enough to hold it.
        first: the first row that asks.
        last: the row after the last one that asks.
        nearest: under a sample a row meets so many of the next longer rows, and of the longest.
        found: takes pairs, the row above, the longer one below.
        room: how many fit there.

    """
    low_half = np.uint64(0xFFFFFFFF)
    total = np.int64(len(place))
    rows = len(bounds) - 1
    met = np.zeros(rows, np.int32)
    some = np.empty(2 * nearest * 4096, np.int64)
    count = 0
    for row in range(first, last):
        if least[row] >= rows:
            continue
        n_some = 0
        rare = often = 0
        for i in range(bounds[row], bounds[row + 1]):
            if n_some + 2 * nearest > len(some):
                break
            at = np.int64(asked[i])
            value = place[at] >> _HALF
            # On to the first that is long enough; the bucket is in the order of size.
            low = at + 1
            step = 1
            while (
                low < total and place[low] >> _HALF == value and place[low] & low_half < least[row]
            ):
                low += 1
                step += 1
                if step > nearest:
                    # The bucket is large: the place is looked for by halves.
                    high = total
                    wanted = (value << _HALF) | np.uint64(least[row])
                    while low < high:
                        middle = (low + high) // 2
                        if place[middle] < wanted:
                            low = middle + 1
                        else:
                            high = middle
                    break
            end = low
            while end < total and end < low + 2 * nearest and place[end] >> _HALF == value:
                end += 1
            if end == low + 2 * nearest:
                often += 1
                back = low
                high = total
                wanted = (value + np.uint64(1)) << _HALF
                while back < high:
                    middle = (back + high) // 2
                    if place[middle] < wanted:
                        back = middle + 1
                    else:
                        high = middle
                tail = back - nearest
                end = low + nearest
            else:
                rare += 1
                tail = back = end
            for j in range(low, end):
                other = np.int64(place[j] & low_half)
                if met[other] == 0:
                    some[n_some] = other
                    n_some += 1
                met[other] += 1
            for j in range(tail, back):
                other = np.int64(place[j] & low_half)
                if met[other] == 0:
                    some[n_some] = other
                    n_some += 1
                met[other] += 1
        enough = max(1, (3 * (rare if rare >= 2 else rare + often) + 4) // 5)
        for j in range(n_some):
            other = some[j]
            if met[other] >= enough and _overlap(
                place, asked, bounds[row], bounds[row + 1], bounds[other], bounds[other + 1]
            ):
                if count == room:
                    return -1
                found[count] = (np.uint64(row) << _HALF) | np.uint64(other)
                count += 1
            met[other] = 0
    return count
