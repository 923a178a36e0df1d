/*
 * chain/io/crc32c.h: CRC-32C (Castagnoli; RFC 3720, appendix B.4), the checksum of our frames and of LevelDB's logs.
 *
 * Chosen over zlib's CRC-32 because it finds more of the short errors of disks (it is what iSCSI, ext4 and Btrfs use),
 * because processors compute it (SSE4.2), and because LevelDB's own files need it anyway.
 *
 * Thread       Pure.
 */
#ifndef NOTCH_CHAIN_IO_CRC32C_H
#define NOTCH_CHAIN_IO_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, which is 0 at the start: crc32c(crc32c(0, a), b) is that of a and b joined. */
uint32_t notch__crc32c(uint32_t crc, const void *data, size_t len);

/* The same by table, whatever the processor: what the fast one is tested against. */
uint32_t notch__crc32c_table(uint32_t crc, const void *data, size_t len);

#endif
