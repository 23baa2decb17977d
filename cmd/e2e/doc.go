// Package e2e tests the built program from outside, with real clients and real mail, under the build tag e2e:
//
//	go test -tags e2e ./cmd/e2e/...
//
// It needs the packages that .ci/run installs, root for a postfix of its own, and the collections of mail in ../shared/data beside the repository.
// Each test starts a server of its own in a temporary folder, on free ports of loopback.
package e2e
