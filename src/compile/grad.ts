/**
 * @module Value and gradient of a loss with respect to a record of parameters, by TensorFlow.js's tape. Works eagerly
 * and while compiling.
 */
import { type Tensor, type TensorParams, tf } from "../core/tf.js";
import { mapTree } from "./tree.js";

/**
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
