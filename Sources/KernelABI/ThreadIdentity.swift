/// A thread as debuggers name it: its process and itself.
package struct ThreadIdentity: Hashable, Sendable {
  package var process: Int32
  package var thread: Int32

  package init(process: Int32, thread: Int32) {
    self.process = process
    self.thread = thread
  }
}
