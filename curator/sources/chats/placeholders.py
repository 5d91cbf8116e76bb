"""Words that an app puts where nobody said anything: media, recalled messages, group events."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from curator.sources.chats.messages import Notice

_MEDIA = (
    "图片|照片|圖片|相片|语音|語音|语音消息|语音留言|視頻|视频|短视频|影片|动画表情|動畫表情|表情包|表情|"
    "贴图|貼圖|文件|檔案|位置|位置分享|实时位置共享|地理位置|名片|个人名片|链接|分享链接|鏈接|小程序|"
    "音乐|音乐分享|视频号|视频号直播|聊天记录|合并转发的聊天记录|收藏笔记|笔记|语音通话|视频通话|音视频通话|"
    "红包|微信红包|QQ红包|QQ紅包|紅包|转账|微信转账|轉賬|闪照|戳一戳|群公告|卡片|群文件|"
    "Photo|Picture|Image|Voice|Voice message|Video|Sticker|Stickers|Animated Sticker|File|Location|"
    "Contact Card|Link|Music|Mini Program|Audio|Audio Call|Video Call|Voice Call|Chat History|"
    "Red Packet|WeChat Red Packet|Transfer|Attachment"
)
_PLACE = re.compile(
    # One or more in brackets; what follows a colon or the last of them is a file's name, a
    # length, a link: the app's words, not the sender's.
    rf"(?:[\[【](?:{_MEDIA})(?:[:：][^\]】]{{0,300}})?[\]】]\s*)+",
    re.IGNORECASE,
)
_DETAIL = re.compile(
    r"(?:\d{1,4}\s*(?:秒|[\"″]|s|sec)|[^。！？!?\n]{1,120}\.[A-Za-z0-9]{1,5}(?:\s*\([^()]{1,20}\))?"
    r"|https?://\S+)?\s*"
)
_WITH_DETAIL = re.compile(
    r"[\[【](?:链接|分享链接|音乐|音乐分享|转账|微信转账|红包|微信红包|位置|名片|小程序|视频号|"
    r"聊天记录|合并转发的聊天记录|Link|Location|Transfer|Red Packet)[\]】]",
    re.IGNORECASE,
)
_NAME = r"[\"“”'「」]?[^\n]{1,60}?[\"“”'「」]?"
_RECALLED = re.compile(
    rf"(?:{_NAME}\s*)?(?:撤回了?一条消息|撤回了?一條訊息|撤回了?成员{_NAME}的一条消息)"
    r"(?:\s*重新编辑)?[。.]?|"
    rf"{_NAME} recalled a message\.?|此消息已撤回|消息已撤回|\[(?:消息已)?撤回\]",
)
_DONE = re.compile(
    rf"{_NAME}\s*(?:拍了拍\s*{_NAME}.{{0,30}}|tickled {_NAME}|领取了\s*{_NAME}\s*的红包.{{0,30}})|"
    r"(?:收到|发出)红包，请在手机上查看|收到转账.{1,40}请(?:在|使用)手机.{0,20}|"
    r"我通过了你的朋友验证请求，现在我们可以开始聊天了|"
    r"(?:通话时长|通話時長)\s*[\d:：]{4,8}|对方(?:已取消|无应答|忙线中)|已取消|"
    r"(?:Call )?[Dd]uration:? [\d:]{4,8}"
)
"""What somebody did, in the app's words; joins and the like have no sender and need no words."""
_LONGEST = 300
"""An app's own words are short; a longer text is somebody's."""


def notice(text: str, *, sent: bool = True) -> Notice | None:
    """Return what stands in place of words, or None where somebody said something.

    sent: the message has a sender. Without one it is the app that speaks: somebody
        joined, left, or was renamed.
    """
    text = text.strip()
    if not text or (sent and len(text) > _LONGEST):
        return None
    if text[0] in "[【":
        media = _PLACE.match(text)
        if media and (_WITH_DETAIL.match(text) or _DETAIL.fullmatch(text, media.end())):
            return "media"
    recalled = "撤回" in text or "recalled a message" in text
    if recalled and len(text) <= _LONGEST and _RECALLED.fullmatch(text):
        return "recalled message"
    return None if sent and not _DONE.fullmatch(text) else "system line"
