package main

import (
	"slices"
	"strings"
	"testing"
)

func TestSimilarity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want float64
	}{
		{"", "", 1}, {"a b c", "a b c", 1}, {"a b c", "", 0}, {"a b c d", "a x c d", 0.75}, {"a b", "b a", 0.5}, {"a", "a b c", 0.5},
	} {
		if got := similarity(strings.Fields(c.a), strings.Fields(c.b)); got != c.want {
			t.Errorf("%q, %q: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want []string
	}{
		{"", "", nil},
		{"a b", "a b", nil},
		{"a b c", "a x c", []string{"b > x"}},
		{"a b c d", "b d e", []string{"a > ", "c > ", " > e"}},
		{"a b", "", []string{"a b > "}},
		{"a b c d", "a x y d", []string{"b c > x y"}},
	} {
		if got := differences(strings.Fields(c.a), strings.Fields(c.b)); !slices.Equal(got, c.want) {
			t.Errorf("%q, %q: %q, want %q", c.a, c.b, got, c.want)
		}
	}
}
