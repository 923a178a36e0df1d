/*
 * node/daemon/text.h: appending formatted text to a buffer. Below the line: for messages and files of the daemon.
 *
 * Ownership    The caller's buffer.
 * Thread       Any.
 */
#ifndef NOTCH_NODE_DAEMON_TEXT_H
#define NOTCH_NODE_DAEMON_TEXT_H

#include "base/bytes.h"

void notch_text(struct notch_buf *out, const char *format, ...) NOTCH_PRINTF(2, 3);

/* A JSON string with its quotes: control characters escaped, bytes that are no UTF-8 replaced by U+FFFD. */
void notch_text_json(struct notch_buf *out, const char *text, size_t len);

/* Bytes for people's eyes: control characters and bytes that are no UTF-8 as \xNN. */
void notch_text_plain(struct notch_buf *out, const char *text, size_t len);

/* Terminates the text with a zero byte that does not count, and gives it. */
const char *notch_text_of(struct notch_buf *buf);

#endif
