"""Mail: messages, mailboxes and Outlook files; threads become conversations."""
