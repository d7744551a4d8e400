package kvtest

import "testing"

func testSemantics(t *testing.T, open Open) {}
func testConflicts(t *testing.T, open Open) {}
func testLimits(t *testing.T, open Open)    {}
func testWatches(t *testing.T, open Open)   {}
func testAnomalies(t *testing.T, open Open) {}
