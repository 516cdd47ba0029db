/** How long work that has much to do goes on before others have their turn, milliseconds. */
export const sliceMs = 3;
