import CLinuxShim

/// What stat(2) says of a file.
package struct FileStatus {
  package var device: UInt64
  package var inode: UInt64
  package var byteCount: UInt64
  /// Modification time, in nanoseconds since the epoch.
  package var modified: Int64
  package var mode: UInt32
  package var userID: UInt32
  package var groupID: UInt32
  /// The device that a device file stands for.
  package var representedDevice: UInt64

  private static let typeMask: UInt32 = 0o170000
  package var isRegular: Bool { mode & Self.typeMask == 0o100000 }
  package var isCharacterDevice: Bool { mode & Self.typeMask == 0o020000 }

  /// A terminal or pseudo-terminal, by its device number's major (Documentation/admin-guide/devices.txt).
  package var isTerminal: Bool {
    let major = representedDevice >> 8 & 0xfff
    return isCharacterDevice && (major == 4 || major == 5 || (136...143).contains(major))
  }
  /// /dev/tty: whichever terminal the process has.
  package var isControllingTerminal: Bool { isCharacterDevice && representedDevice == 5 << 8 }

  /// Of the file at that path, links followed; nil where stat(2) fails.
  package init?(path: String) {
    var status = stat()
    guard rrs_stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  package init?(descriptor: Int32) {
    var status = stat()
    guard rrs_fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    byteCount = UInt64(max(status.st_size, 0))
    modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    mode = status.st_mode
    userID = status.st_uid
    groupID = status.st_gid
    representedDevice = UInt64(status.st_rdev)
  }
}
