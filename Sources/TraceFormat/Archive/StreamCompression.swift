import CTraceFormat

/// Compresses bytes that come and go in pieces, as one zstd frame.
final class StreamCompressor {
  private let compressor: OpaquePointer
  private let target = ByteBuffer(capacity: 1 << 17)

  init(byteCount: UInt64) {
    // zstd's own default: stored files are programs, and become a third.
    guard let compressor = rrs_stream_compressor_create(3, byteCount) else { preconditionFailure("out of memory") }
    self.compressor = compressor
  }

  deinit { rrs_stream_compressor_destroy(compressor) }

  /// Hands to `body` what comes out. Returns false where the bytes aren't as many as were announced.
  func add(
    _ bytes: UnsafeRawBufferPointer, isLast: Bool, _ body: (UnsafeRawBufferPointer) throws(TraceError) -> Void
  ) throws(TraceError) -> Bool {
    var source = rrs_bytes(bytes)
    while true {
      let start = target.start.assumingMemoryBound(to: UInt8.self)
      var position: UnsafeMutablePointer<UInt8>? = start
      var capacity = target.capacity
      let result = rrs_stream_compress(compressor, &source, isLast, &position, &capacity)
      if result == RRS_STREAM_FAILED { return false }
      try body(UnsafeRawBufferPointer(target.prefix(target.capacity - capacity)))
      if result == RRS_STREAM_DONE || !isLast && source.count == 0 { return true }
    }
  }
}

/// Decompresses one zstd frame that comes in pieces.
final class StreamDecompressor {
  private let decompressor: OpaquePointer
  private let target = ByteBuffer(capacity: 1 << 17)
  /// The frame was whole, its checksum right.
  private(set) var isDone = false

  init() {
    guard let decompressor = rrs_stream_decompressor_create() else { preconditionFailure("out of memory") }
    self.decompressor = decompressor
  }

  deinit { rrs_stream_decompressor_destroy(decompressor) }

  /// Hands to `body` what comes out. Returns false where it isn't such a frame, or something follows it.
  func add(
    _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(TraceError) -> Void
  ) throws(TraceError) -> Bool {
    var source = rrs_bytes(bytes)
    while source.count > 0 {
      if isDone { return false }
      let start = target.start.assumingMemoryBound(to: UInt8.self)
      var isFull = true
      // What didn't fit comes without further input.
      while isFull, !isDone {
        var position: UnsafeMutablePointer<UInt8>? = start
        var capacity = target.capacity
        let result = rrs_stream_decompress(decompressor, &source, &position, &capacity)
        if result == RRS_STREAM_FAILED { return false }
        isDone = result == RRS_STREAM_DONE
        isFull = capacity == 0
        try body(UnsafeRawBufferPointer(target.prefix(target.capacity - capacity)))
      }
    }
    return true
  }
}
