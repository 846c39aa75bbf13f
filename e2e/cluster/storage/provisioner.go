// Package storage gives claims of the default class a folder on the node.
package storage

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// Class names the storage class.
const Class = "lorax-local"

const provisionerName = "lorax.dev/local"

// The controller of persistent volumes binds by these, as for any external provisioner.
const (
	provisionedBy  = "pv.kubernetes.io/provisioned-by"
	defaultClass   = "storageclass.kubernetes.io/is-default-class"
	pickedForClaim = "volume.kubernetes.io/storage-provisioner"
)

// provisioner makes a volume for each claim and removes it when the claim is gone. Keys in its
// queue are "namespace/name" of claims and "name" of volumes.
type provisioner struct {
	client  kubernetes.Interface
	folders folders
	node    string
	claims  cache.Store
	volumes cache.Store
	queue   workqueue.TypedRateLimitingInterface[string]
}

// Run creates the class and serves claims, with folders below the given one, until the context
// ends. It returns once it serves.
func Run(ctx context.Context, client kubernetes.Interface, root, node string) error {
	if err := createClass(ctx, client); err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	claims := factory.Core().V1().PersistentVolumeClaims().Informer()
	volumes := factory.Core().V1().PersistentVolumes().Informer()
	p := &provisioner{
		client: client, folders: folders(root), node: node, claims: claims.GetStore(), volumes: volumes.GetStore(),
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[string](100*time.Millisecond, 10*time.Second)),
	}
	for _, informer := range []cache.SharedIndexInformer{claims, volumes} {
		if _, err := informer.AddEventHandler(p.handler()); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), claims.HasSynced, volumes.HasSynced) {
		return fmt.Errorf("storage: %w", ctx.Err())
	}
	context.AfterFunc(ctx, p.queue.ShutDown)
	go p.work(ctx)
	return nil
}

func createClass(ctx context.Context, client kubernetes.Interface) error {
	immediate := storagev1.VolumeBindingImmediate
	class := &storagev1.StorageClass{
		ObjectMeta:        metav1.ObjectMeta{Name: Class, Annotations: map[string]string{defaultClass: "true"}},
		Provisioner:       provisionerName,
		VolumeBindingMode: &immediate,
	}
	_, err := client.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func (p *provisioner) handler() cache.ResourceEventHandler {
	add := func(object any) {
		if key, err := cache.MetaNamespaceKeyFunc(object); err == nil {
			p.queue.Add(key)
		}
	}
	return cache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: func(_, object any) { add(object) }}
}

func (p *provisioner) work(ctx context.Context) {
	for {
		key, down := p.queue.Get()
		if down {
			return
		}
		if err := p.reconcile(ctx, key); err != nil {
			runtime.HandleErrorWithContext(ctx, err, "storage", "object", key)
			p.queue.AddRateLimited(key)
		} else {
			p.queue.Forget(key)
		}
		p.queue.Done(key)
	}
}

func (p *provisioner) reconcile(ctx context.Context, key string) error {
	if object, found, err := p.claims.GetByKey(key); err != nil {
		return err
	} else if claim, is := object.(*corev1.PersistentVolumeClaim); found && is {
		return p.provide(ctx, claim)
	}
	object, found, err := p.volumes.GetByKey(key)
	if volume, is := object.(*corev1.PersistentVolume); found && is {
		return p.reclaim(ctx, volume)
	}
	return err
}

// provide makes the folder and the volume of a claim that waits for one of ours.
func (p *provisioner) provide(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	forUs := claim.Spec.StorageClassName != nil && claim.Annotations[pickedForClaim] == provisionerName
	if !forUs || claim.Spec.VolumeName != "" {
		return nil
	}
	path, err := p.folders.make(claim.UID)
	if err != nil {
		return err
	}
	_, err = p.client.CoreV1().PersistentVolumes().Create(ctx, volumeFor(claim, path, p.node), metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// reclaim removes a volume of ours, with its content, when its claim is gone.
func (p *provisioner) reclaim(ctx context.Context, volume *corev1.PersistentVolume) error {
	ours := volume.Annotations[provisionedBy] == provisionerName
	deletable := volume.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete
	if !ours || !deletable || volume.Status.Phase != corev1.VolumeReleased {
		return nil
	}
	if err := p.folders.remove(volume); err != nil {
		return err
	}
	err := p.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
