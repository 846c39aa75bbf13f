package node

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"time"

	"lorax.dev/cluster/network"
	"lorax.dev/cluster/state"
)

const (
	lifetime   = 365 * 24 * time.Hour
	frontProxy = "front-proxy-client"
)

// user is one who may speak to the API server with a token.
type user struct {
	name   string
	groups string
}

var users = map[string]user{
	"admin":                   {"kubernetes-admin", "system:masters"},
	"kube-controller-manager": {"system:kube-controller-manager", ""},
	"kube-scheduler":          {"system:kube-scheduler", ""},
	"kube-proxy":              {"system:kube-proxy", ""},
	"kubelet":                 {"system:node:" + Name, "system:nodes"},
}

// makeKeys creates the certificate authorities, the API server's certificates, the service account
// key and the tokens, unless a former run of this cluster left them.
func makeKeys(folder state.Folder) error {
	if _, err := os.Stat(folder.Path("keys", "tokens.csv")); err == nil {
		return nil
	}
	if err := makeFrontProxyCertificate(folder); err != nil {
		return err
	}
	authority, authorityKey, err := makeAuthority(folder, "ca", "lorax-cluster")
	if err != nil {
		return err
	}
	if err := makeServerCertificate(folder, authority, authorityKey); err != nil {
		return err
	}
	if _, err := makeKey(folder.Path("keys", "service-account.key")); err != nil {
		return err
	}
	return makeTokens(folder)
}

func makeAuthority(folder state.Folder, file, name string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := makeKey(folder.Path("keys", file+".key"))
	if err != nil {
		return nil, nil, err
	}
	template := certificate(name, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature)
	template.IsCA = true
	template.BasicConstraintsValid = true
	return template, key, sign(folder.Path("keys", file+".crt"), template, template, key, key)
}

// makeFrontProxyCertificate makes the certificate by which aggregated API servers know the API
// server. Its authority is one of its own: whoever has a certificate of it may speak for anybody.
func makeFrontProxyCertificate(folder state.Folder) error {
	authority, authorityKey, err := makeAuthority(folder, "front-proxy-ca", "lorax-front-proxy")
	if err != nil {
		return err
	}
	key, err := makeKey(folder.Path("keys", "front-proxy-client.key"))
	if err != nil {
		return err
	}
	template := certificate(frontProxy, x509.KeyUsageDigitalSignature)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return sign(folder.Path("keys", "front-proxy-client.crt"), template, authority, key, authorityKey)
}

func makeServerCertificate(folder state.Folder, authority *x509.Certificate, authorityKey *ecdsa.PrivateKey) error {
	key, err := makeKey(folder.Path("keys", "apiserver.key"))
	if err != nil {
		return err
	}
	template := certificate("kube-apiserver", x509.KeyUsageDigitalSignature)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.DNSNames = []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
		"kubernetes.default.svc.cluster.local"}
	for _, address := range []string{"127.0.0.1", network.Node, network.APIServer} {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(address))
	}
	return sign(folder.Path("keys", "apiserver.crt"), template, authority, key, authorityKey)
}

func makeTokens(folder state.Folder) error {
	var lines strings.Builder
	for part, user := range users {
		token := make([]byte, 16)
		if _, err := rand.Read(token); err != nil {
			return err
		}
		fmt.Fprintf(&lines, "%s,%s,%s,%q\n", hex.EncodeToString(token), user.name, part, user.groups)
	}
	return os.WriteFile(folder.Path("keys", "tokens.csv"), []byte(lines.String()), 0o600)
}

// tokenOf finds a user's token; the file's columns are token, user, id, groups.
func tokenOf(folder state.Folder, part string) (string, error) {
	text, err := os.ReadFile(folder.Path("keys", "tokens.csv"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Split(line, ","); len(fields) > 2 && fields[2] == part {
			return fields[0], nil
		}
	}
	return "", fmt.Errorf("no token for %s in %s", part, folder.Path("keys", "tokens.csv"))
}

func certificate(name string, usage x509.KeyUsage) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Minute),
		NotAfter:     time.Now().Add(lifetime),
		KeyUsage:     usage,
	}
}

func sign(path string, template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) error {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return fmt.Errorf("certificate %s: %w", path, err)
	}
	return writePEM(path, "CERTIFICATE", der, 0o644)
}

func makeKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	return key, errors.Join(err, writePEM(path, "EC PRIVATE KEY", der, 0o600))
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}
