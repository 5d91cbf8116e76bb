"""Who asks and who answers in a conversation, by recipe, by name, by who speaks first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from curator.sources.conversations import ROLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.schema import Chat
    from curator.sources.chats.messages import Message

_STAFF_HAN = re.compile(
    "客服|客户服务|客戶服務|[客用][户戶](?:经理|經理|顾问|顧問|代表|专员|專員)|售前|售后|售後"
    "|[医醫][生师師]|大夫|[药藥][师師剂劑]|[护護]士|[营營][养養][师師]|咨询师|諮詢師|律[师師]|[顾顧][问問]"
    "|[专專][员員]|[坐座]席|店[主长長家小]|[卖賣]家|商家|掌柜|掌櫃|小二|管家|助[理手]|官方"
    "|旗[舰艦]店|专卖店|專賣店|服务(?:中心|台|部)|服務(?:中心|台|部)|前台|值班"
)
_BOT_HAN = re.compile("机器人|機器人|智能助|智慧助|小助手|人工智能")
_ASKER_HAN = re.compile(
    "[用客][户戶]|[顾顧]客|患者|病[人友]|[买買]家|[访訪]客|家[属屬长長]|[会會][员員]|游客|遊客|旅客|住客"
)
_WORDS = {
    "staff": "agent agents support helpdesk advisor adviser representative rep operator staff "
    "service doctor dr physician nurse pharmacist dentist therapist counsellor counselor "
    "consultant lawyer attorney seller vendor merchant shopkeeper storekeeper concierge "
    "receptionist librarian official",
    "bot": "bot chatbot robot assistant gpt chatgpt llm model",
    "asker": "user customer client patient visitor guest buyer caller shopper enquirer inquirer "
    "human",
}
_KINDS = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_LATIN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SYSTEM = re.compile(
    r"\W*(?:系[统統](?:消息|通知|提示|訊息)?|system(?: ?messages?| notifications?)?)\W*",
    re.IGNORECASE,
)
_AT_YOUR_SERVICE = re.compile(
    r"[为為][您你](?:服[务務]|解答|效[劳勞])|[欢歡]迎(?:光[临臨]|[您你]?(?:[咨諮][询詢]|致[电電]))"
    r"|有什[么麼](?:[问問][题題])?(?:可以|能|需要)(?:我|我们|我們)?(?:[帮幫]|[协協]助)[助到忙]?(?:[您你]|的?[吗嗎么]|的?\W|$)"
    r"|\bhow (?:can|may|could) (?:i|we) (?:help|assist|be of)"
    r"(?: you\b| today\b|\W*$| help| service)"
    r"|\bwhat can (?:i|we) (?:do for|help) you\b|\bat your service\b"
    r"|\bthank(?:s| you) for (?:contacting|calling|reaching out|choosing)(?! me\b| back\b)",
    re.IGNORECASE,
)
_MOST = 1_000


class Roles:
    """Says of each message of a conversation what role its speaker has in it.

    In this order: the role that the export gives; the recipe's regexes; names that
    hold a role word (客服, 医生, Dr., support, bot; 客户, 患者, customer); a first
    message that offers service ("how can I help you?"); who speaks first. Where the
    names tell staff, everybody else asks. Where they tell only those who ask, everybody
    else answers. Where nothing tells, whoever speaks first asks, and goes on as the one
    who asks through the whole conversation, though both may ask and answer.
    """

    def __init__(self, chat: Chat) -> None:
        """Take the recipe's regexes."""
        self._assistant = re.compile(chat.assistant) if chat.assistant else None
        self._system = re.compile(chat.system) if chat.system else _SYSTEM
        self._find = self._system.search if chat.system else self._system.fullmatch
        self._offered: set[str] = set()

    def is_system(self, message: Message) -> bool:
        """Whether a message comes from the chat program itself, by the name of its speaker."""
        return bool(message.speaker and not message.role and self._find(message.speaker))

    def answers(self, message: Message) -> bool:
        """Whether the export, the recipe or the name says that the speaker answers."""
        if message.role:
            return message.role != "user"
        if self._assistant:
            return bool(self._assistant.search(message.speaker or ""))
        return self._told(message.speaker) in ("staff", "bot")

    def of(self, messages: Sequence[Message]) -> list[str]:
        """Return the roles of the messages of one conversation, in order."""
        given = {message.role for message in messages}
        free = [m for m in messages if not m.role and m.notice != "system line"]
        found = self._found(free, given) if free else {}
        return [
            message.role
            or ("system" if message.notice == "system line" else found[message.speaker])
            for message in messages
        ]

    def _found(self, messages: Sequence[Message], given: set[str | None]) -> dict[str | None, str]:
        """Return the role of each speaker whose role the export does not give."""
        speakers, first = list(dict.fromkeys(m.speaker for m in messages)), messages[0]
        if self._assistant:
            search = self._assistant.search
            return {s: "assistant" if search(s or "") else "user" for s in speakers}
        told = {speaker: self._told(speaker) for speaker in speakers}
        if not any(told.values()) and _AT_YOUR_SERVICE.search(first.text):
            self._remember(first.speaker)
            told[first.speaker] = "staff"
        kinds = set(told.values())
        if kinds == {"staff"} and len(speakers) > 1 and "user" not in given:
            told = dict.fromkeys(speakers)  # colleagues: their names do not tell
            kinds = {None}
        if "staff" in kinds or "assistant" in given:
            other = dict.fromkeys(speakers, "user")
        elif "asker" in kinds or "user" in given:
            other = dict.fromkeys(speakers, "assistant")
        else:
            opens = next((s for s in speakers if not told[s]), None)
            other = {s: "user" if s == opens else "assistant" for s in speakers}
        named = {"staff": "assistant", "bot": "assistant", "asker": "user"}
        return {s: named.get(told[s] or "", other[s]) for s in speakers}

    def _remember(self, speaker: str | None) -> None:
        if speaker and len(self._offered) < _MOST:
            self._offered.add(speaker)

    def _told(self, speaker: str | None) -> str | None:
        """Return what a name tells: staff, bot, asker or nothing."""
        if not speaker:
            return None
        role = ROLES.get(speaker.strip().casefold())
        words = _LATIN.findall(speaker)
        kinds = {_KINDS.get(word.casefold()) for word in words}
        if "bot" in kinds or "AI" in words or _BOT_HAN.search(speaker):
            return "bot"
        offered = speaker in self._offered
        if offered or role == "assistant" or "staff" in kinds or _STAFF_HAN.search(speaker):
            return "staff"
        if role == "user" or "asker" in kinds or _ASKER_HAN.search(speaker):
            return "asker"
        return None
