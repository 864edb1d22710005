"""Chat templates: programs of strangers that turn a question into a prompt; known without torch or transformers."""

from evoswarm.chat.files import find_template, named_tokens
from evoswarm.chat.template import DEFAULT_DATE, ChatTemplate, Frame, PromptRefused, is_dated
from evoswarm.chat.turn import Conversation, Turn

__all__ = [
    "DEFAULT_DATE",
    "ChatTemplate",
    "Conversation",
    "Frame",
    "PromptRefused",
    "Turn",
    "find_template",
    "is_dated",
    "named_tokens",
]
