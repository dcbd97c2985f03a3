/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

// The raw protocol between weir-gen's clients and its backends: requests and answers, each a header
// of 16 bytes in network order and a body whose bytes follow from the message's id, so that either
// side can verify every byte without keeping any.
//
//   0  magic: "WGQ1" a request, "WGA1" an answer
//   4  id of the request; its answer carries the same
//   8  length of this message, header included (16 at least)
//  12  request: length of the answer wanted, 0: as the backend likes; answer: enum message_status
#define MESSAGE_HEADER 16u

enum message_status {
	MESSAGE_OK,
	MESSAGE_QUEUE_FULL, // works queue_full: the backend's bounded queue had no room
};

struct message {
	bool answer;
	uint32_t id;
	uint32_t length;
	uint32_t value; // bytes 12-15
};

// Write the bytes [offset, offset + len) of a message.
void message_write(const struct message *m, uint8_t *to, uint32_t offset, uint32_t len);

// Read a header. False: not one (magic or length wrong).
bool message_read(const uint8_t header[MESSAGE_HEADER], struct message *out);

// Whether body bytes [offset, offset + len) of message `id` are right; offset counts from the
// header's first byte and is at least MESSAGE_HEADER.
bool message_verify(uint32_t id, const uint8_t *at, uint32_t offset, uint32_t len);
