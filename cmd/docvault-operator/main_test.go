package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// asOperator in the environment makes the test's own binary the operator, so that tests start it as a program.
const asOperator = "DOCVAULT_TEST_AS_OPERATOR"

func TestMain(m *testing.M) {
	if os.Getenv(asOperator) != "" {
		os.Exit(run(os.Args[1:], os.Getenv("POD_NAMESPACE"), os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestFlags(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		args      []string
		namespace string
		code      int
		says      []string
	}{
		"version":         {args: []string{"--version"}, code: exitOK, says: []string{"docvault-operator dev"}},
		"help":            {args: []string{"--help"}, code: exitOK, says: []string{"-controller-name", "-max-concurrent-reconciles"}},
		"no namespace":    {code: exitBadConfiguration, says: []string{"--namespace is required"}},
		"an unknown flag": {args: []string{"--nonsense"}, namespace: "x", code: exitBadConfiguration, says: []string{"nonsense"}},
		"an argument":     {args: []string{"start"}, namespace: "x", code: exitBadConfiguration, says: []string{`"start"`}},
		"all at once": {
			args: []string{"--controller-name=", "--max-concurrent-reconciles=0", "--log-format=xml"}, code: exitBadConfiguration,
			says: []string{"--namespace", "--controller-name", "--max-concurrent-reconciles", "--log-format"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if code := run(tc.args, tc.namespace, &out, &out); code != tc.code {
				t.Errorf("ends with %d, wanted %d", code, tc.code)
			}
			for _, text := range tc.says {
				if !strings.Contains(out.String(), text) {
					t.Errorf("does not say %q: %s", text, out.String())
				}
			}
		})
	}
}
