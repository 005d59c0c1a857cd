import KernelABI
import TraceeControl

/// A set of files, by device and inode.
class FileKeys {
  private struct Key: Hashable {
    var device: UInt64
    var inode: UInt64
  }

  private var keys: Set<Key> = []

  var isEmpty: Bool { keys.isEmpty }
  func insert(device: UInt64, inode: UInt64) { keys.insert(Key(device: device, inode: inode)) }
  func contains(_ status: FileStatus) -> Bool { keys.contains(Key(device: status.device, inode: status.inode)) }
}

/// What recorded processes share: the files that they mapped shared. Writes to those through descriptors are events'
/// file writes.
final class SharedMemory: FileKeys {
  /// Some memory is shared, be it a file's, anonymous, or of System V.
  var exists = false

  /// A place in a shared file.
  struct Place {
    var device: UInt64
    var inode: UInt64
    var offset: UInt64
  }

  override func insert(device: UInt64, inode: UInt64) {
    exists = true
    super.insert(device: device, inode: inode)
  }

  /// Those of the addresses that lie in shared mappings.
  func locate(_ addresses: [RemotePointer], in tracee: Tracee) -> [Place] {
    guard exists, !addresses.isEmpty else { return [] }
    let maps = ProcessMaps.read(tracee.tid)
    return addresses.compactMap { address in
      guard let mapping = maps.first(where: { $0.range.contains(address) }), mapping.isShared else { return nil }
      return Place(
        device: mapping.device, inode: mapping.inode,
        offset: mapping.fileOffset + (address - mapping.range.start))
    }
  }

  /// Where a tracee has that place mapped.
  func address(of place: Place, in tracee: Tracee) -> RemotePointer? {
    for mapping in ProcessMaps.read(tracee.tid)
    where mapping.isShared && mapping.device == place.device && mapping.inode == place.inode {
      if place.offset >= mapping.fileOffset, place.offset - mapping.fileOffset < mapping.range.byteCount {
        return mapping.range.start + (place.offset - mapping.fileOffset)
      }
    }
    return nil
  }
}
