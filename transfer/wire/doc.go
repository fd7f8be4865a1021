// Package wire is what two devices say to each other during a session, byte
// for byte. It does no I/O of its own beyond an io.Reader and an io.Writer, and
// knows nothing of agents, disks or networks.
//
// There are two kinds of stream.
//
// The control stream carries frames in both directions:
//
//	 0               4       5
//	┌───────────────┬───────┬──────────────────────┐
//	│ length u32 BE │ type  │ body (CBOR)          │
//	└───────────────┴───────┴──────────────────────┘
//	length counts type and body: 1 … MaxFrame
//
// A body is one CBOR map with small integer keys (RFC 8949, no tags, no
// indefinite lengths, no duplicate keys). Keys that a reader does not know are
// skipped. Types below 128 that it does not know end the session; types from
// 128 up may be skipped, and every sender now and then sends one so that
// readers keep doing it.
//
// A lane is a one-way stream from the sender to the receiver: a [LaneHello],
// then blocks, each a [BlockHeader] and its bytes:
//
//	 0      1       2      4             8          16         24        56
//	┌──────┬───────┬──────┬─────────────┬──────────┬──────────┬─────────┬───────┐
//	│ 0x42 │ codec │ zero │ length u32  │ item u64 │ off u64  │ BLAKE3  │ bytes │
//	└──────┴───────┴──────┴─────────────┴──────────┴──────────┴─────────┴───────┘
//
// With codec 1 the length of what follows, a u32, stands before the bytes.
//
// The worst moment is a peer that lies about lengths. Nothing is allocated by a
// length that a peer gave before that length was held against a cap of ours.
package wire
