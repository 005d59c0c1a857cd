// Making and taking apart Cap'n Proto messages, for the sources here.

#pragma once

#include "CTraceFormat.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/io.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <vector>

struct rrs_encoder {
  // The first segment of every message; Cap'n Proto wants it zeroed, and leaves it so.
  std::vector<uint64_t> scratch = std::vector<uint64_t>(4096);
  std::vector<uint64_t> output;
};

struct rrs_decoder {
  std::optional<capnp::FlatArrayMessageReader> message;
  std::string error;
  std::vector<rrs_memory_write> memoryWrites;
  std::vector<rrs_file_write> fileWrites;
  std::vector<rrs_opened_file> openedFiles;
  std::vector<rrs_cpuid_record> cpuid;
  std::vector<rrs_bytes> lists[3];
};

namespace rrs {

inline capnp::Data::Reader data(rrs_bytes bytes) { return capnp::Data::Reader(bytes.start, bytes.count); }

inline capnp::Text::Reader text(rrs_bytes bytes, std::string &storage) {
  // Text needs a NUL behind it.
  storage.assign(reinterpret_cast<const char *>(bytes.start), bytes.count);
  return capnp::Text::Reader(storage.c_str(), storage.size());
}

inline rrs_bytes bytes(capnp::Data::Reader value) { return {value.begin(), value.size()}; }
inline rrs_bytes bytes(capnp::Text::Reader value) {
  return {reinterpret_cast<const uint8_t *>(value.begin()), value.size()};
}

inline void fillTexts(capnp::List<capnp::Text>::Builder target, rrs_bytes_list source) {
  std::string storage;
  for (unsigned i = 0; i < target.size(); i++) target.set(i, text(source.items[i], storage));
}

inline rrs_bytes_list texts(capnp::List<capnp::Text>::Reader source, std::vector<rrs_bytes> &storage) {
  storage.clear();
  for (auto item : source) storage.push_back(bytes(item));
  return {storage.data(), storage.size()};
}

// Builds one message and keeps it, with its segment table, in the encoder.
template <typename Root, typename Fill> rrs_bytes encode(rrs_encoder *encoder, Fill fill) noexcept {
  try {
    capnp::MallocMessageBuilder message(
        kj::arrayPtr(reinterpret_cast<capnp::word *>(encoder->scratch.data()), encoder->scratch.size()));
    fill(message.initRoot<Root>());
    encoder->output.resize(capnp::computeSerializedSizeInWords(message));
    auto target = kj::arrayPtr(reinterpret_cast<uint8_t *>(encoder->output.data()), encoder->output.size() * 8);
    kj::ArrayOutputStream stream(target);
    capnp::writeMessage(stream, message);
    return {target.begin(), target.size()};
  } catch (...) {
    // An exception can leave the scratch half written.
    std::fill(encoder->scratch.begin(), encoder->scratch.end(), 0);
    return {nullptr, 0};
  }
}

// Opens the message at the start of `source` and reads it. What it may make Cap'n Proto visit is bounded by its size.
template <typename Root, typename Read>
size_t decode(rrs_decoder *decoder, rrs_bytes source, Read read) noexcept {
  try {
    decoder->message.reset();
    auto words = kj::arrayPtr(
        reinterpret_cast<const capnp::word *>(source.start), source.count / sizeof(capnp::word));
    size_t count = words.size() == 0 ? 0 : capnp::expectedSizeInWordsFromPrefix(words);
    if (count == 0 || count > words.size()) {
      decoder->error = "a message that is longer than its block";
      return 0;
    }
    capnp::ReaderOptions options;
    options.traversalLimitInWords = count * 4 + 64;
    options.nestingLimit = 8;
    decoder->message.emplace(words.slice(0, count), options);
    if (!read(decoder->message->getRoot<Root>())) return 0;
    return count * sizeof(capnp::word);
  } catch (const kj::Exception &exception) {
    decoder->error = exception.getDescription().cStr();
  } catch (const std::exception &exception) {
    decoder->error = exception.what();
  } catch (...) {
    decoder->error = "an unknown exception";
  }
  for (char &c : decoder->error) {
    if (c == '\n') c = ' ';
  }
  return 0;
}

} // namespace rrs
