// zstd, libb2, and the few declarations of the operating system that Swift lacks.

#include "CTraceFormat.h"

#include <blake2.h>
#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>
#include <zstd.h>

extern "C" {

struct rrs_compressor {
  ZSTD_CCtx *context;
  int level;
};

rrs_compressor *rrs_compressor_create(int level) {
  ZSTD_CCtx *context = ZSTD_createCCtx();
  if (context == nullptr) return nullptr;
  return new rrs_compressor{context, level};
}

void rrs_compressor_destroy(rrs_compressor *compressor) {
  if (compressor == nullptr) return;
  ZSTD_freeCCtx(compressor->context);
  delete compressor;
}

size_t rrs_compress_bound(size_t byte_count) { return ZSTD_compressBound(byte_count); }

size_t rrs_compress(rrs_compressor *compressor, rrs_bytes source, uint8_t *target, size_t capacity) {
  size_t result =
      ZSTD_compressCCtx(compressor->context, target, capacity, source.start, source.count, compressor->level);
  return ZSTD_isError(result) ? 0 : result;
}

struct rrs_decompressor {
  ZSTD_DCtx *context;
};

rrs_decompressor *rrs_decompressor_create(void) {
  ZSTD_DCtx *context = ZSTD_createDCtx();
  if (context == nullptr) return nullptr;
  return new rrs_decompressor{context};
}

void rrs_decompressor_destroy(rrs_decompressor *decompressor) {
  if (decompressor == nullptr) return;
  ZSTD_freeDCtx(decompressor->context);
  delete decompressor;
}

bool rrs_decompress(rrs_decompressor *decompressor, rrs_bytes source, uint8_t *target, size_t byte_count) {
  size_t result = ZSTD_decompressDCtx(decompressor->context, target, byte_count, source.start, source.count);
  return !ZSTD_isError(result) && result == byte_count;
}

struct rrs_stream_compressor {
  ZSTD_CCtx *context;
};

rrs_stream_compressor *rrs_stream_compressor_create(int level, uint64_t byte_count) {
  ZSTD_CCtx *context = ZSTD_createCCtx();
  if (context == nullptr) return nullptr;
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  ZSTD_CCtx_setPledgedSrcSize(context, byte_count);
  return new rrs_stream_compressor{context};
}

void rrs_stream_compressor_destroy(rrs_stream_compressor *compressor) {
  if (compressor == nullptr) return;
  ZSTD_freeCCtx(compressor->context);
  delete compressor;
}

static rrs_stream_result moveOn(
    size_t result, const ZSTD_inBuffer &in, const ZSTD_outBuffer &out, rrs_bytes *source, uint8_t **target,
    size_t *capacity) {
  if (ZSTD_isError(result)) return RRS_STREAM_FAILED;
  source->start += in.pos;
  source->count -= in.pos;
  *target += out.pos;
  *capacity -= out.pos;
  return result == 0 ? RRS_STREAM_DONE : RRS_STREAM_MORE;
}

rrs_stream_result rrs_stream_compress(
    rrs_stream_compressor *compressor, rrs_bytes *source, bool source_ends, uint8_t **target, size_t *capacity) {
  ZSTD_inBuffer in{source->start, source->count, 0};
  ZSTD_outBuffer out{*target, *capacity, 0};
  ZSTD_EndDirective directive = source_ends ? ZSTD_e_end : ZSTD_e_continue;
  size_t result = ZSTD_compressStream2(compressor->context, &out, &in, directive);
  rrs_stream_result moved = moveOn(result, in, out, source, target, capacity);
  // Without the end, 0 only says that nothing is held back.
  return moved == RRS_STREAM_DONE && !source_ends ? RRS_STREAM_MORE : moved;
}

struct rrs_stream_decompressor {
  ZSTD_DCtx *context;
};

rrs_stream_decompressor *rrs_stream_decompressor_create(void) {
  ZSTD_DCtx *context = ZSTD_createDCtx();
  if (context == nullptr) return nullptr;
  // What the archive's writer makes needs no more; a larger window would take a hostile archive's word for memory.
  ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 24);
  return new rrs_stream_decompressor{context};
}

void rrs_stream_decompressor_destroy(rrs_stream_decompressor *decompressor) {
  if (decompressor == nullptr) return;
  ZSTD_freeDCtx(decompressor->context);
  delete decompressor;
}

rrs_stream_result rrs_stream_decompress(
    rrs_stream_decompressor *decompressor, rrs_bytes *source, uint8_t **target, size_t *capacity) {
  ZSTD_inBuffer in{source->start, source->count, 0};
  ZSTD_outBuffer out{*target, *capacity, 0};
  size_t result = ZSTD_decompressStream(decompressor->context, &out, &in);
  return moveOn(result, in, out, source, target, capacity);
}

void rrs_blake2b_256(rrs_bytes a, rrs_bytes b, rrs_bytes c, uint8_t *digest) {
  blake2b_state state;
  blake2b_init(&state, 32);
  const rrs_bytes parts[3] = {a, b, c};
  for (const rrs_bytes &part : parts) {
    if (part.count > 0) blake2b_update(&state, part.start, part.count);
  }
  blake2b_final(&state, digest, 32);
}

struct rrs_hasher {
  blake2b_state state;
};

rrs_hasher *rrs_hasher_create(void) {
  rrs_hasher *hasher = new rrs_hasher;
  blake2b_init(&hasher->state, 32);
  return hasher;
}

void rrs_hasher_destroy(rrs_hasher *hasher) { delete hasher; }

void rrs_hasher_add(rrs_hasher *hasher, rrs_bytes bytes) { blake2b_update(&hasher->state, bytes.start, bytes.count); }

void rrs_hasher_finish(rrs_hasher *hasher, uint8_t *digest) { blake2b_final(&hasher->state, digest, 32); }

bool rrs_file_extents(int descriptor, rrs_extent *extents, size_t capacity, size_t *count) {
  std::vector<uint64_t> storage((sizeof(fiemap) + capacity * sizeof(fiemap_extent)) / sizeof(uint64_t) + 1);
  fiemap *map = reinterpret_cast<fiemap *>(storage.data());
  map->fm_length = FIEMAP_MAX_OFFSET;
  map->fm_flags = FIEMAP_FLAG_SYNC;
  map->fm_extent_count = static_cast<uint32_t>(capacity);
  if (ioctl(descriptor, FS_IOC_FIEMAP, map) != 0 || map->fm_mapped_extents == 0) return false;
  const uint32_t known = FIEMAP_EXTENT_LAST | FIEMAP_EXTENT_MERGED | FIEMAP_EXTENT_SHARED;
  for (size_t index = 0; index < map->fm_mapped_extents; index += 1) {
    const fiemap_extent &extent = map->fm_extents[index];
    if ((extent.fe_flags & ~known) != 0) return false;
    extents[index] = {extent.fe_logical, extent.fe_physical, extent.fe_length};
  }
  *count = map->fm_mapped_extents;
  return (map->fm_extents[*count - 1].fe_flags & FIEMAP_EXTENT_LAST) != 0;
}

int rrs_clone_file(int target, int source) { return ioctl(target, FICLONE, source) == 0 ? 0 : -errno; }

int64_t rrs_seek_data(int descriptor, int64_t offset) {
  off_t result = lseek(descriptor, offset, SEEK_DATA);
  return result < 0 ? -errno : result;
}

int64_t rrs_seek_hole(int descriptor, int64_t offset) {
  off_t result = lseek(descriptor, offset, SEEK_HOLE);
  return result < 0 ? -errno : result;
}

int64_t rrs_copy_file_range(int source, int target, int64_t offset, size_t byte_count) {
  off64_t from = offset, to = offset;
  ssize_t result = copy_file_range(source, &from, target, &to, byte_count, 0);
  return result < 0 ? -errno : result;
}

void rrs_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

} // extern "C"
