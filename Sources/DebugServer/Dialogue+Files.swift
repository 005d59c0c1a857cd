private import CLinuxShim
import Debugging
import KernelABI
import RemoteProtocol

/// Files of the recorded machine, to be read only.
///
/// GDB manual, "Host I/O Packets" and "File-I/O Remote Protocol Extension".
extension Dialogue {
  func respondAboutFiles(_ request: Request) -> Reply? {
    switch request {
    case .setFileSystem(let process):
      fileSystemProcess = process
      return .file(result: 0, data: nil)
    case .openFile(let path, let flags, _): return open(path, flags)
    case .closeFile(let descriptor):
      guard openFiles.remove(descriptor) != nil else { return .fileError(FileError.badDescriptor) }
      _ = rrs_close(descriptor)
      return .file(result: 0, data: nil)
    case .readFile(let descriptor, let count, let offset): return read(descriptor, count, offset)
    case .fileStatus(let descriptor): return status(descriptor)
    default: return .unsupported
    }
  }

  private func open(_ path: [UInt8], _ flags: UInt64) -> Reply {
    // FILEIO_O_RDONLY is 0.
    guard flags == 0 else { return .fileError(FileError.readOnly) }
    do throws(DebugError) {
      let process = fileSystemProcess == 0 ? currentThread.process : fileSystemProcess
      let descriptor = try target.openFile(process, String(decoding: path, as: UTF8.self))
      openFiles.insert(descriptor)
      return .file(result: Int(descriptor), data: nil)
    } catch {
      return .fileError(FileError.number(ofLinux: error.number))
    }
  }

  private func read(_ descriptor: Int32, _ count: UInt64, _ offset: UInt64) -> Reply {
    guard openFiles.contains(descriptor) else { return .fileError(FileError.badDescriptor) }
    // Every byte may have to be escaped.
    var bytes = [UInt8](repeating: 0, count: Int(min(count, UInt64(packetByteCountMax / 2 - 32))))
    let result = bytes.withUnsafeMutableBytes { rrs_pread(descriptor, $0.baseAddress, $0.count, offset) }
    guard result >= 0 else { return .fileError(FileError.number(ofLinux: Int32(clamping: -result))) }
    return .file(result: result, data: Array(bytes[..<result]))
  }

  /// `struct fio_stat`: big-endian, 64 bytes.
  private func status(_ descriptor: Int32) -> Reply {
    guard openFiles.contains(descriptor) else { return .fileError(FileError.badDescriptor) }
    var status = stat()
    let result = rrs_fstat(descriptor, &status)
    guard result >= 0 else { return .fileError(FileError.number(ofLinux: Int32(clamping: -result))) }
    var bytes: [UInt8] = []
    func append(_ value: Int, _ count: Int) {
      for index in (0..<count).reversed() { bytes.append(UInt8(truncatingIfNeeded: value >> (index * 8))) }
    }
    for value in [
      Int(truncatingIfNeeded: status.st_dev), Int(truncatingIfNeeded: status.st_ino), Int(status.st_mode),
      Int(truncatingIfNeeded: status.st_nlink), Int(status.st_uid), Int(status.st_gid),
      Int(truncatingIfNeeded: status.st_rdev),
    ] { append(value, 4) }
    for value in [Int(status.st_size), Int(status.st_blksize), Int(status.st_blocks)] { append(value, 8) }
    for value in [status.st_atim.tv_sec, status.st_mtim.tv_sec, status.st_ctim.tv_sec] { append(value, 4) }
    return .file(result: bytes.count, data: bytes)
  }
}

/// The protocol's own numbers of errors. GDB manual, "Errno Values".
private enum FileError {
  static let badDescriptor: Int32 = 9
  static let readOnly: Int32 = 30
  private static let unknown: Int32 = 9999
  private static let common: Set<Int32> = [1, 2, 4, 9, 13, 14, 16, 17, 19, 20, 21, 22, 23, 24, 27, 28, 29, 30]

  static func number(ofLinux number: Int32) -> Int32 {
    // ENAMETOOLONG differs, some don't exist, the rest is as in Linux.
    number == 36 ? 91 : common.contains(number) ? number : unknown
  }
}
