"""The order of training rows: by chance, and common to sets that share rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from curator.train.order import Order

KEYS = st.lists(st.sampled_from("abcdefghijklmnop"), max_size=30)


@given(keys=KEYS, seed=st.integers(0, 9), epoch=st.integers(0, 3))
def test_each_row_comes_once_and_the_same_way_again(keys: list[str], seed: int, epoch: int) -> None:
    order, again = Order(keys, seed), Order(keys, seed)
    order.set_epoch(epoch)
    again.set_epoch(epoch)
    assert sorted(order) == list(range(len(keys)))
    assert list(order) == list(again)


@given(keys=st.lists(st.text(max_size=3), unique=True, max_size=30), data=st.data())
def test_rows_that_two_sets_share_come_in_the_same_order(
    keys: list[str], data: st.DataObject
) -> None:
    kept = data.draw(st.lists(st.sampled_from(keys), unique=True)) if keys else []
    of_all = [keys[place] for place in Order(keys, 5)]
    assert [kept[place] for place in Order(kept, 5)] == [key for key in of_all if key in kept]


def test_seed_and_epoch_change_it() -> None:
    keys = [str(number) for number in range(100)]
    first, other = Order(keys, 1), Order(keys, 2)
    orders = {tuple(first), tuple(other)}
    first.set_epoch(1)
    orders.add(tuple(first))
    assert len(orders) == 3
