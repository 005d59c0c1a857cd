package import KernelABI

/// Scratch memory of one address space: where blocking calls of a tracee write while other tracees of the same memory
/// run, so that what they see changes at the call's exit event and at no other moment.
package final class ScratchPool {
  package struct Chunk {
    package var address: RemotePointer
    package var byteCount: UInt64
  }

  package init() {}

  private static let chunkByteCountMin: UInt64 = 65536
  private var free: [Chunk] = []
  private var top = Gadget.scratchRange.start
  /// Chunks in use; a forked child has them all free.
  private var used: [Chunk] = []

  /// A mapped chunk that is free.
  package func take(byteCount: UInt64) -> Chunk? {
    guard let index = free.firstIndex(where: { $0.byteCount >= byteCount }) else { return nil }
    let chunk = free.remove(at: index)
    used.append(chunk)
    return chunk
  }

  /// Address space for a new chunk, which the caller maps; nil when there is no room.
  package func reserve(byteCount: UInt64) -> Chunk? {
    let size = max(Self.chunkByteCountMin, RemotePointer(byteCount).pageEnd.rawValue)
    guard size <= Gadget.scratchRange.end - top else { return nil }
    let chunk = Chunk(address: top, byteCount: size)
    top = top + size
    used.append(chunk)
    return chunk
  }

  package func giveBack(_ chunk: Chunk) {
    used.removeAll { $0.address == chunk.address }
    free.append(chunk)
  }

  package func fork() -> ScratchPool {
    let copy = ScratchPool()
    copy.free = free + used
    copy.top = top
    return copy
  }
}
