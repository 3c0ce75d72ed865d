// The bridge.
import Testing
