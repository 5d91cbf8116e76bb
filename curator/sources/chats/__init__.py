"""Chats: exports of messengers, logs and tickets; messages become conversations."""
