"""Rows that no reader can turn into a record, by raw file, each with the reason."""

from __future__ import annotations

from generator.model import BadRow

BAD_ROWS: dict[str, list[BadRow]] = {
    "paediatrics_zh.jsonl": [
        BadRow('{"messages": [{"role": "user", "content": "孩子咳嗽"}'.encode(), "broken json"),
        BadRow('{"messages": [{"role": "user" "content": "发烧"}]}'.encode(), "broken json"),
        BadRow('["孩子发烧怎么办", "多喝水"]'.encode(), "not an object"),
        BadRow(
            '{"messages": [{"role": "assistant", "content": "您好，请描述症状。"}]}'.encode(),
            "no user turn",
        ),
        BadRow(b'{"messages": [], "department": "", "time": ""}', "empty conversation"),
        BadRow(
            b'{"messages": [{"role": "user", "content": "\xb7\xa2\xc9\xd5\xff"}]}',
            "undecodable bytes",
        ),
    ],
    "paediatrics_en.jsonl.gz": [
        BadRow(b'{"conversations": [{"from": "human", "value": "She has a f', "broken json"),
        BadRow(b'{"conversations": [{"from": "gpt", "value": "Any allergies?"}]}', "no user turn"),
        BadRow(b'{"id": "en-none", "department": "skin"}', "missing field"),
        BadRow(b"null", "not an object"),
    ],
    "service_zh.csv": [
        BadRow(
            "G900001,2024-02-11 10:20:00,退款,退款多久到账".encode("gb18030"), "too few columns"
        ),
        BadRow(
            "G900002,2024-02-12 08:00:00,物流,包裹丢了,请提供单号,多出来,的列".encode("gb18030"),
            "too many columns",
        ),
        BadRow(
            "G900003,2024-02-13 09:30:00,账户,".encode("gb18030")
            + b"\xff\xff\xff,"
            + "请重新登录".encode("gb18030"),
            "undecodable bytes",
        ),
        BadRow("G900004,2024-02-14 11:45:00,发票,,已为您登记".encode("gb18030"), "no user turn"),
    ],
    "service_en.tsv": [
        BadRow(b"T900001\t2024-04-02 09:00:00\trefund\tWhere is my money", "too few columns"),
        BadRow(
            b"T900002\t2024-04-03 09:00:00\tdelivery\tLost box\tWe will trace it\tdone\tclosed",
            "too many columns",
        ),
        BadRow(
            b"T900003\t2024-04-04 09:00:00\taccount\tMy login \xff\xfe fails\tPlease reset it",
            "undecodable bytes",
        ),
    ],
    "service_tw.csv": [
        BadRow("W900001,2024-05-02 12:00:00,網路".encode("big5"), "too few columns"),
    ],
    "law_zh.xlsx": [
        BadRow((None, "请补充合同签订的时间。", "2024-01-15"), "no user turn"),
        BadRow((None, "建议携带证据原件到场。", "2024-02-20"), "no user turn"),
    ],
    "law_en.jsonl": [
        BadRow(
            b'{"instruction": "Is a verbal lease valid?", "input": "", "output": ', "broken json"
        ),
        BadRow(b'{"instruction": "Can I sublet one room?", "input": ""}', "missing field"),
        BadRow(b'"Please advise on my case"', "not an object"),
    ],
    "law_en_prompts.parquet": [
        BadRow((None, "You may appeal within four weeks."), "no user turn"),
    ],
}
