package import Execution
package import KernelABI

extension Translator {
  /// The code of a breakpoint's condition, in front of the translation of the instruction at `applicationAddress`.
  struct ConditionCode {
    var zone: Int
    var start: Int
    var end: Int
    var applicationAddress: UInt64
  }

  /// Where translated code stops before the instruction. Translations of the pages concerned are dropped.
  package func setBreakpoints(_ new: CodeBreakpoints) {
    let changed = new.differences(from: breakpoints)
    breakpoints = new
    for address in changed { invalidate(address..<(address + 1)) }
  }

  /// Where to go on from a breakpoint at `address`, whose translation is at `entry`, so that it doesn't stop there
  /// again at once.
  package func behindBreakpoint(_ address: UInt64, entry: UInt64) -> UInt64 {
    guard breakpoints.contains(address) else { return entry }
    if let zone = zone(containing: entry) {
      let offset = zone.offset(of: entry)
      if let code = conditionCodes.last(where: { $0.zone == zone.number && $0.start == offset }) {
        return zone.address(code.end)
      }
    }
    return entry + UInt64(ExitStub.breakpointByteCount)
  }

  /// For a fault at `registers.rip` in a breakpoint's condition: the registers become the application's, at the
  /// breakpoint. False for a fault elsewhere.
  package func recoverFromCondition(_ registers: inout Registers) -> Bool {
    guard !conditionCodes.isEmpty, let zone = zone(containing: registers.rip) else { return false }
    let offset = zone.offset(of: registers.rip)
    guard let code = conditionCodes.last(where: { $0.zone == zone.number && $0.start <= offset && offset < $0.end })
    else { return false }
    ConditionEmitter.recover(&registers, dataPage)
    registers.rip = code.applicationAddress
    clearDeadFlags(&registers)
    return true
  }
}
