package provision

import (
	"context"
	"reflect"
	"slices"
	"strings"
)

// accessDrift is how the access to a vault's bucket differs from what it should be.
type accessDrift struct {
	differs []string // in words, without keys or secrets
	newKeys bool     // keys are missing that had not been made before
}

func (a accessDrift) none() bool { return len(a.differs) == 0 && !a.newKeys }

func (a *accessDrift) tell(differs bool, what string) {
	if differs {
		a.differs = append(a.differs, what)
	}
}

// inspectAccess looks at policy and user as the admin, and tries each key. That a key works would not do: it works as well with
// more rights than it should have on its own bucket, or less.
func (o *ObjectStore) inspectAccess(ctx context.Context, b Bucket) (accessDrift, error) {
	var seen accessDrift
	policy, err := o.readPolicy(ctx, b)
	if err != nil {
		return seen, err
	}
	user, err := o.readUser(ctx, b)
	if err != nil {
		return seen, err
	}
	seen.tell(policy == nil, "policy "+b.User+" was missing")
	seen.tell(policy != nil && !policy.equals(b.policy()), "policy "+b.User+" differed")
	seen.tell(user == nil, "user "+b.User+" was missing")
	if user != nil {
		seen.tell(user.Status != "enabled", "user "+b.User+" was disabled")
		seen.tell(user.PolicyName != b.User, "user "+b.User+" had other policies than its own")
		seen.tell(len(user.MemberOf) > 0, "user "+b.User+" was in groups")
	}
	for _, k := range b.Keys {
		works, err := o.keyWorks(ctx, b, k)
		if err != nil {
			return seen, err
		}
		if k.New {
			seen.newKeys = seen.newKeys || !works
		} else {
			seen.tell(!works, "an access key of user "+b.User+" did not work")
		}
	}
	return seen, nil
}

// bears reports whether a statement bears a mark.
func (p *policyDocument) bears(mark string) bool {
	return slices.ContainsFunc(p.Statement, func(s policyStatement) bool { return s.Sid == mark })
}

// bearsAnother reports whether the policy is marked as another vault's.
func (p *policyDocument) bearsAnother(b Bucket) bool {
	return slices.ContainsFunc(p.Statement, func(s policyStatement) bool {
		return strings.HasPrefix(s.Sid, mark("")) && s.Sid != mark(b.Identity)
	})
}

// equals compares with what was written. The server gives the elements of each list in any order.
func (p *policyDocument) equals(written policyDocument) bool {
	for _, document := range []*policyDocument{p, &written} {
		for i := range document.Statement {
			slices.Sort(document.Statement[i].Action)
			slices.Sort(document.Statement[i].Resource)
		}
	}
	return reflect.DeepEqual(p.Statement, written.Statement)
}
