/// The version of rrs itself.
package enum RRSVersion {
  package static let current = "0.1.0"
}
