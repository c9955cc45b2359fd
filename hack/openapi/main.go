// Command openapi prints the OpenAPI document that the API serves, from which the page's types are made.
package main

import (
	"os"

	"github.com/docvault/docvault/runtime/httpapi"
)

func main() {
	if _, err := os.Stdout.Write(httpapi.OpenAPI("")); err != nil {
		os.Exit(1)
	}
}
