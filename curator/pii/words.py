"""Ordinary English words, by which a capital at the start of a sentence is told from a name."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.models.ner import spacy_alone
from curator.models.pins import PINS, verified

if TYPE_CHECKING:
    from collections.abc import Iterator

_SLOT = "ner_en"
_GIVEN_NAMES = frozenset(
    (  # noqa: SIM905 - words read better without quotes
        "aaron adam adrian agnes alan albert alec alex alexander alexis alfred alice alison "
        "amanda amber amelia amy andrea andrew angela angelica ann anna anne annie anthony "
        "april ariel arnold arthur ashley audrey august augusta austin barbara barry basil "
        "beatrice belle ben benedict benjamin benny bernard beth betty bill billy blake bob "
        "bobby bonnie brandon brandy brenda brett brian brooke bruce bruno bryan caesar caleb "
        "calvin camilla carl carla carmen carol caroline carter casey catherine cecilia celeste "
        "charity charles charlie charlotte chase cherry chris christian christina christopher "
        "claire clara clark claude clay clement cliff clifford clint cole colin constance "
        "cooper coral cordelia craig crystal curtis cynthia daisy dale dan daniel danny darren "
        "dave david dawn dean deborah delilah dennis derek diana dick dolly dominic don donald "
        "donna dora doris dorothy douglas drew duncan dustin dylan earl ed eddie edgar edith "
        "edmund edward eleanor elias elijah elizabeth ella ellen elliot emily emma eric erica "
        "ernest esther ethan eugene eva eve evelyn ezra faith fay felix fern fiona flora "
        "florence frances francis frank franklin fred frederick gabriel gail gale garrett gary "
        "gavin gene geoffrey george gerald ginger glen gloria gordon grace graham grant greg "
        "gregory guy hannah harold harriet harrison harry hazel heather hector helen helena "
        "henry herbert herman holly homer hope horace howard hugh hugo hunter ian ida irene "
        "iris isaac isabel isabella isaiah ivan ivory ivy jack jackie jacob jade jake james "
        "jamie jane janet jasmine jason jasper jay jean jeff jeffrey jemmy jennifer jenny "
        "jeremiah jeremy jerome jerry jesse jessica jewel jill jim jimmy joan joanna job joe "
        "joel john johnny jonah jonathan jordan joseph josh joshua joy joyce juan jude judith "
        "judy julia julian julie juliet june justin karen karl kate katherine kathy katie kay "
        "keith kelly ken kenneth kent kerry kevin kim kirk kitty kyle lance laura laurel lauren "
        "laurence lawrence leah lee leo leon leonard leslie lewis lily linda lionel lisa liz "
        "lloyd logan lola louis louise lucas lucy luke luna lydia lynn madeline madonna mae "
        "maggie magnolia malcolm marc marcel marcus margaret maria marian marie marina marion "
        "marisa mark marsha marshall martha martin marvin mary mason matilda matt matthew maud "
        "maureen max maxwell may mercedes mercy merle mia michael michelle miguel mike miles "
        "milton mina miranda mitchell molly mona monica morgan morris moses myrtle nancy naomi "
        "nat natalie nathan nathaniel neil nelson nicholas nick nicole nigel noah noel nora "
        "norma norman olive oliver olivia ollie opal oscar owen paddy pamela pansy parker pat "
        "patience patricia patrick paul paula paulina pearl peg peggy penelope penny percy "
        "perry pete peter phil philip phoebe phoenix pierce polly prudence quentin rachel ralph "
        "ramona randolph randy ray raymond rebecca reed regina rex rhea richard rick ricky rita "
        "rob robert robin roger roland roman ron ronald rosa rosalind rose rosemary ross roy "
        "ruby rufus russell ruth ryan sally sam samantha samson samuel sandra sandy sara sarah "
        "saul scarlet scott sean sebastian serena seth shane shannon sharon shaun shawn sheila "
        "shelley sherry shirley sidney silvia simon skip sofia solomon sonia sonny sophia "
        "sophie stacy stan stanley stella stephanie stephen steve steven stewart stuart sue "
        "summer susan sydney sylvia tamara tanner tara taylor ted teddy teresa terry tess "
        "thelma theodore theresa thomas tiffany tim timothy tina toby todd tom tommy tony tracy "
        "travis trent troy tucker tyler ursula valentine valerie vanessa vera verity vernon "
        "veronica vic victor victoria vince vincent viola violet virgil virginia vivian wade "
        "wallace walter ward warren wayne wendy wesley wilfred will willard william willie "
        "willow winifred winston wolfgang xavier zachary zoe"
    ).split()
)
_SURNAMES = frozenset(
    (  # noqa: SIM905 - as above
        "allen andrews bailey baker bell bennett berry black boyd bradley brooks brown bush "
        "butler campbell carpenter chapman clinton collins cook cox crawford cunningham darwin "
        "davis duncan dunn edwards evans fields fisher ford foster fox gray green hall hamilton "
        "harper hawkins hicks hill hudson hughes jackson jefferson johnson jones kennedy king "
        "lane lawson lincoln long mann matthews miller moore murphy myers newton obama park "
        "payne perkins pierce porter powell price reed rice rogers ross ruiz sanders simpson "
        "smith snyder spencer stevens stone sullivan wagner ward washington watson webb wells "
        "white williams willis wilson wolf wolfe wood wright young"
    ).split()
)
FUNCTION_WORDS = frozenset(
    (  # noqa: SIM905 - as above
        "the and for but nor with from this that these those they them their there here what when "
        "where which who whom whose why how you your yours she her hers his him its our ours was "
        "were been being are isn aren wasn weren have has had having does did doing done would "
        "could should shall might must can cannot will won don doesn didn about above after again "
        "against all any because before below between both during each few further into more most "
        "other over own same some such than then through under until while not only off once out "
        "very too just also hello thanks please okay every everyone anyone someone something "
        "anything nothing myself yourself himself herself itself ourselves themselves if since "
        "without within upon onto per via among toward towards unless whether may though although "
        "i'm it's don't can't i've i'll that's what's there's you're we're they're didn't doesn't "
        "isn't wasn't won't couldn't wouldn't shouldn't haven't hasn't let's here's who's"
    ).split()
)
"""Words that WordNet does not have, and that take no capital."""
_LOWER_WORD = re.compile(r"[a-z\u00df-\u024f]{3,}(?:['’-][a-z\u00df-\u024f]+)*")
_ENDINGS = (("ies", "y"), ("es", ""), ("s", ""), ("ing", ""), ("ing", "e"), ("ed", ""), ("d", ""))


class OrdinaryWords:
    """The words that a spaCy pipeline's lemmatizer knows (from WordNet), without people's names.

    A pipeline that has no such table knows no word. The table is read at the first question,
    which Chinese texts never ask.

    Args:
        model: a built-in model, or the folder of a spaCy pipeline.

    Raises:
        ModelError: the built-in model is not installed, or not the pinned one.
    """

    def __init__(self, model: str) -> None:
        self._model = model

    @cached_property
    def _lemmas(self) -> frozenset[str]:
        return frozenset(_lemmas(self._model))

    @cached_property
    def _words(self) -> frozenset[str]:
        return self._lemmas - _GIVEN_NAMES - _SURNAMES

    def __contains__(self, word: object) -> bool:
        """Return whether the word, or the one that it is a form of, is an ordinary one."""
        low = str(word).lower()
        if low in _GIVEN_NAMES or low in _SURNAMES:
            return False
        return low in self._words or any(
            low.endswith(ending) and low[: -len(ending)] + instead in self._words
            for ending, instead in _ENDINGS
        )

    def is_name(self, word: str) -> bool:
        """Return whether this is one of the usual given names or surnames."""
        low = word.lower()
        return low in _GIVEN_NAMES or low in _SURNAMES

    def is_given_name(self, word: str) -> bool:
        """Return whether this is a given name, and no ordinary word besides."""
        low = word.lower()
        return low in _GIVEN_NAMES and low not in self._lemmas

    def with_capitals(self, text: str) -> str:
        """Return a text that has no capitals with one for each word that is no ordinary one."""
        return _LOWER_WORD.sub(self._raised, text)

    def _raised(self, found: re.Match[str]) -> str:
        word = found.group()
        raised = word[0].upper()
        is_odd = word not in self or word in _GIVEN_NAMES
        return (
            raised + word[1:]
            if is_odd and word not in FUNCTION_WORDS and len(raised) == 1
            else word
        )


def _lemmas(model: str) -> Iterator[str]:
    with spacy_alone():
        from spacy.lookups import Lookups  # noqa: PLC0415 - heavy; only who finds names needs it

    local = Path(model).expanduser()
    folder = local if model not in PINS[_SLOT] and local.is_dir() else verified(_SLOT, model)
    for path in sorted(folder.glob("**/lemmatizer/lookups")):
        lookups: Any = Lookups().from_disk(path)
        if lookups.has_table("lemma_index"):
            index = lookups.get_table("lemma_index")
            for kind in ("noun", "verb", "adj", "adv"):
                yield from (word for word in index.get(kind, ()) if word.isalpha())
