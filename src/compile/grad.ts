/**
 * @module Value and gradient of a loss with respect to a record of parameters, by TensorFlow.js's tape. Works eagerly
 * and while compiling.
 */
import { type Tensor, type TensorParams, tf } from "../core/tf.js";
import { flatten, mapTree, unflatten } from "./tree.js";

/**
 * The value of a loss and its gradient by the first argument, by TensorFlow.js's own tape.
 * @param f its `loss` is a scalar; `aux` is returned beside it and has no gradient
 * @returns a function giving `loss`, `aux` and `grads` (same names as the parameters; zeros where the loss does not depend on one)
 */
export function valueAndGrad<Rest extends readonly unknown[], Aux = Record<string, never>>(
  f: (params: TensorParams, ...rest: Rest) => { readonly loss: Tensor; readonly aux?: Aux },
): (params: TensorParams, ...rest: Rest) => { loss: Tensor; aux: Aux; grads: Record<string, Tensor> } {
  return (params, ...rest) => {
    const names = Object.keys(params);
    const tensors = Object.values(params);
    let aux: Aux | undefined;
    const forward = () => {
      const result = f(params, ...rest);
      // The tape's scope ends before the caller sees aux: keep it until it is copied out below.
      aux = mapTree<Tensor, Tensor>(result.aux ?? {}, (tensor) => tf.keep(tensor.clone())) as Aux;
      return result.loss;
    };
    const { value, grads } = tf.engine().gradients(forward, tensors, undefined, true);
    const released = mapTree<Tensor, Tensor>(aux, (kept) => {
      const copy = kept.clone();
      kept.dispose();
      return copy;
    }) as Aux;
    const named = names.map((name, at) => [name, grads[at] ?? tf.zerosLike(tensors[at] as Tensor)] as const);
    return { loss: value, aux: released, grads: Object.fromEntries(named) };
  };
}

/**
 * Value of a function, and the product of `dy` with its Jacobian: what a layer gives back in the backward pass.
 * @param f of a tree of float tensors; anything else it reads goes into `rest`
 * @returns a function giving `value` and `grads` (a tree like the first argument; zeros where the value does not depend on a leaf)
 */
export function vjp<Args, Rest extends readonly unknown[]>(
  f: (args: Args, ...rest: Rest) => Tensor,
): (args: Args, dy: Tensor, ...rest: Rest) => { value: Tensor; grads: Args } {
  return (args, dy, ...rest) => {
    const { leaves, structure } = flatten<Tensor>(args);
    const { state } = tf.engine();
    const { activeTape: outer } = state;
    const { value, grads } = tf.engine().gradients(() => f(args, ...rest), leaves, dy, true);
    // Its own tape is gone now; the one that is being gone back, where this is part of a gradient, is still needed.
    state.activeTape = outer;
    const filled = leaves.map((leaf, at) => grads[at] ?? tf.zerosLike(leaf));
    return { value, grads: unflatten(structure, filled) as Args };
  };
}
